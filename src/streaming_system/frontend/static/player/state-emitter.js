// The state of a playback, and events about it.

export class StateEmitter extends EventTarget {
  setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.emit("state");
  }

  emit(name) {
    this.dispatchEvent(new Event(name));
  }
}
