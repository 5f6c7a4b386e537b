"""Machines, simulated by network namespaces, or by addresses if the kernel forbids those."""

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
    """A machine with an address and programs."""

    def __init__(self, network, name, number):
        self.network, self.name = network, name
        self.address = f"{network.first}{number}"
        self.programs = []
        # A thread that stays in the namespace.
        self._thread = ThreadPoolExecutor(1, initializer=network.enter, initargs=(name,))

    def start(self, *command, folder, name):
        program = Program(*self.network.prefix(self.name), *command, folder=folder, name=name)
        self.programs.append(program)
        return program

    def call(self, function, *arguments, **more):
        """Call a function in the network of this machine."""
        return self._thread.submit(function, *arguments, **more).result()

    def request(self, method, url, *, timeout=30, **more):
        with urllib3.PoolManager(
            retries=False, timeout=timeout, source_address=(self.address, 0)
        ) as pool:
            return self.call(pool.request, method, url, redirect=False, **more)

    def stop(self):
        for program in self.programs:
            program.kill()
        self._thread.shutdown()


class Network:
    """Machines connected by a switch."""

    def __init__(self):
        self.hosts = {}

    def add(self, name):
        self.hosts[name] = Host(self, name, len(self.hosts) + 1)
        return self.hosts[name]

    def stop(self):
        for host in self.hosts.values():
            host.stop()


class Namespaces(Network):
    """A network namespace for each machine, and one with a bridge as the switch."""

    first = "10.77.0."
    kind = "network namespaces"

    def __init__(self):
        super().__init__()
        self._name = f"streaming-{os.getpid()}"
        self._namespaces = []
        self._switch = self._namespace("switch")
        self._ip("-n", self._switch, "link", "add", "bridge", "type", "bridge")
        self._ip("-n", self._switch, "link", "set", "bridge", "up")

    @staticmethod
    def allowed():
        """Return whether the kernel allows namespaces; some containers do not."""
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
        namespace = self._namespace(name)
        self._ip(
            *("-n", self._switch, "link", "add", f"to-{name}", "type", "veth"),
            *("peer", "name", "eth0", "netns", namespace),
        )
        self._ip("-n", self._switch, "link", "set", f"to-{name}", "master", "bridge", "up")
        self._ip("-n", namespace, "address", "add", f"{host.address}/24", "dev", "eth0")
        self._ip("-n", namespace, "link", "set", "eth0", "up")
        return host

    def prefix(self, name):
        return (find("ip"), "netns", "exec", f"{self._name}-{name}")

    def enter(self, name):
        """Move the calling thread into the namespace."""
        with Path(f"/run/netns/{self._name}-{name}").open() as namespace:
            libc = ctypes.CDLL(None, use_errno=True)
            assert libc.setns(namespace.fileno(), _CLONE_NEWNET) == 0, os.strerror(
                ctypes.get_errno()
            )

    def cut(self, name):
        """Disconnect a machine: its packets are lost."""
        self._ip("-n", self._switch, "link", "set", f"to-{name}", "down")

    def join(self, name):
        self._ip("-n", self._switch, "link", "set", f"to-{name}", "up")

    def stop(self):
        super().stop()
        for name in self._namespaces:
            self._ip("netns", "delete", name)

    def _namespace(self, name):
        full = f"{self._name}-{name}"
        self._ip("netns", "add", full)
        self._namespaces.append(full)
        self._ip("-n", full, "link", "set", "lo", "up")
        return full

    @staticmethod
    def _ip(*arguments):
        subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=30)


class Addresses(Network):
    """An address of this machine for each simulated one; cutting it off stops its processes.

    Connections to it hang, except those that fit into the backlog of the kernel.
    """

    first = "127.0.1."
    kind = "addresses of one machine"

    def prefix(self, name):
        return ()

    def enter(self, name):
        """Do nothing: all machines share a network."""

    def cut(self, name):
        self._signal(name, signal.SIGSTOP)

    def join(self, name):
        self._signal(name, signal.SIGCONT)

    def _signal(self, name, number):
        for program in self.hosts[name].programs:
            os.killpg(program.process.pid, number)
