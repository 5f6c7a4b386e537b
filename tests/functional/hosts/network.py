"""Machines in one: a network namespace for each, or an address where the kernel allows none."""

import ctypes
import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import urllib3
from programs import find

from ..agent.servers import Program

_CLONE_NEWNET = 0x40000000


class Host:
    """A machine: its address, and the programs that run on it."""

    def __init__(self, network, name, number):
        self.network, self.name = network, name
        self.address = f"{network.first}{number}"
        self.programs = []
        # One thread, so that it is where it has gone to.
        self._there = ThreadPoolExecutor(1, initializer=network.enter, initargs=(name,))

    def start(self, *command, folder, name):
        program = Program(*self.network.prefix(self.name), *command, folder=folder, name=name)
        self.programs.append(program)
        return program

    def do(self, action, *arguments, **more):
        """Call a function on this machine, as far as the network is concerned."""
        return self._there.submit(action, *arguments, **more).result()

    def request(self, method, url, *, timeout=30, **more):
        with urllib3.PoolManager(
            retries=False, timeout=timeout, source_address=(self.address, 0)
        ) as pool:
            return self.do(pool.request, method, url, redirect=False, **more)

    def stop(self):
        for program in self.programs:
            program.kill()
        self._there.shutdown()


class Network:
    """Machines at one switch."""

    def __init__(self):
        self.hosts = {}

    def add(self, name):
        self.hosts[name] = Host(self, name, len(self.hosts) + 1)
        return self.hosts[name]

    def stop(self):
        for host in self.hosts.values():
            host.stop()


class Namespaces(Network):
    """Each machine has a network namespace; a bridge in one more is the switch."""

    first = "10.77.0."
    kind = "network namespaces"

    def __init__(self):
        super().__init__()
        self._name = f"streaming-{os.getpid()}"
        self._made = []
        self._switch = self._namespace("switch")
        self._ip("-n", self._switch, "link", "add", "bridge", "type", "bridge")
        self._ip("-n", self._switch, "link", "set", "bridge", "up")

    @staticmethod
    def allowed():
        """Tell whether the kernel lets us; a container may not."""
        if os.geteuid() != 0 or find("ip") is None:
            return False
        name = f"streaming-try-{os.getpid()}"
        if subprocess.run(
            ["ip", "netns", "add", name], capture_output=True, check=False
        ).returncode:
            return False
        subprocess.run(["ip", "netns", "delete", name], check=True)
        return True

    def add(self, name):
        host = super().add(name)
        there = self._namespace(name)
        self._ip(
            *("-n", self._switch, "link", "add", f"to-{name}", "type", "veth"),
            *("peer", "name", "eth0", "netns", there),
        )
        self._ip("-n", self._switch, "link", "set", f"to-{name}", "master", "bridge", "up")
        self._ip("-n", there, "address", "add", f"{host.address}/24", "dev", "eth0")
        self._ip("-n", there, "link", "set", "eth0", "up")
        return host

    def prefix(self, name):
        return (find("ip"), "netns", "exec", f"{self._name}-{name}")

    def enter(self, name):
        """Put the thread that calls into the namespace."""
        with Path(f"/run/netns/{self._name}-{name}").open() as there:
            libc = ctypes.CDLL(None, use_errno=True)
            assert libc.setns(there.fileno(), _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())

    def cut(self, name):
        """Pull the plug: packets are lost without a word."""
        self._ip("-n", self._switch, "link", "set", f"to-{name}", "down")

    def join(self, name):
        self._ip("-n", self._switch, "link", "set", f"to-{name}", "up")

    def stop(self):
        super().stop()
        for name in self._made:
            self._ip("netns", "delete", name)

    def _namespace(self, name):
        full = f"{self._name}-{name}"
        self._ip("netns", "add", full)
        self._made.append(full)
        self._ip("-n", full, "link", "set", "lo", "up")
        return full

    @staticmethod
    def _ip(*words):
        subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)


class Addresses(Network):
    """Each machine is an address of this one; one that is cut off is stopped as it stands.

    Connections to it hang, as they do to a machine without a network, but for the first that the
    kernel takes.
    """

    first = "127.0.1."
    kind = "addresses of one machine"

    def prefix(self, name):
        return ()

    def enter(self, name):
        """All are in one place."""

    def cut(self, name):
        self._signal(name, signal.SIGSTOP)

    def join(self, name):
        self._signal(name, signal.SIGCONT)

    def _signal(self, name, number):
        for program in self.hosts[name].programs:
            os.killpg(program.process.pid, number)
