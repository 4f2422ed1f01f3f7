"""
The network between the machines of a chaos run: one process that holds the far end of each machine's only network
device and forwards IPv4 packets between them, badly. It loses, delays, reorders, doubles and cuts as it is told, and
translates the addresses of hosts as a home router does, so that it can forget a translation in mid connection. It
reads no payload and listens nowhere. It ends when its standard input does, which is also how it learns that the test
was killed; nobody else is left then, so it takes down the namespaces, the small disks and the folder of the run.

First line of standard input: {"directory", "places": [{"name", "namespace", "address", "nat": prefix or null, "only":
name or null}, ...]}.
Then one JSON object a line: {"set": name, ...impairments}, {"rebind": name}, {"count": true}.
"""

import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
CLONE_NEWNET = 0x40000000
TCP = 6
IP = "/usr/sbin/ip"
UMOUNT = "/usr/bin/umount"
LARGEST_PACKET = 65_535
# What a router holds back at most: beyond it packets are lost, as in a real one.
LONGEST_QUEUE = 20_000
CLEAR = {"loss": 0, "delay": 0, "jitter": 0, "reorder": 0, "duplicate": 0, "cutOut": False, "cutIn": False}

libc = ctypes.CDLL(None, use_errno=True)


def enter(namespace):
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def open_device(namespace):
    """A device belongs to the namespace in which it was opened; the descriptor works from anywhere."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open("/run/netns/" + namespace, os.O_RDONLY)
    enter(there)
    try:
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"net0", IFF_TUN | IFF_NO_PI))
        return device
    finally:
        enter(home)
        os.close(home)
        os.close(there)


def adjusted(checksum, before, after):
    """RFC 1624: the checksum once some of its words are others."""
    total = ~checksum & 0xFFFF
    for (word,) in struct.iter_unpack("!H", before):
        total += ~word & 0xFFFF
    for (word,) in struct.iter_unpack("!H", after):
        total += word
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def readdress(packet, header, at, endpoint):
    """Puts another address and port where a packet comes from (at 12) or goes to (at 16)."""
    address, port = endpoint
    where = header + (0 if at == 12 else 2)
    old_address, old_port = bytes(packet[at : at + 4]), bytes(packet[where : where + 2])
    new_port = struct.pack("!H", port)
    (ip_sum,) = struct.unpack_from("!H", packet, 10)
    (tcp_sum,) = struct.unpack_from("!H", packet, header + 16)
    struct.pack_into("!H", packet, 10, adjusted(ip_sum, old_address, address))
    struct.pack_into("!H", packet, header + 16, adjusted(tcp_sum, old_address + old_port, address + new_port))
    packet[at : at + 4] = address
    packet[where : where + 2] = new_port


class Place:
    def __init__(self, plan):
        self.name = plan["name"]
        self.device = open_device(plan["namespace"])
        self.address = socket.inet_aton(plan["address"])
        self.prefix = plan["nat"]
        self.only = plan["only"]
        self.impairment = dict(CLEAR)
        self.generation = 0
        self.outside = {}
        self.inside = {}

    def rebind(self):
        """As a router that was switched off and on: what it knew is gone, and its provider gave it another address."""
        self.generation += 1
        self.outside.clear()
        self.inside.clear()

    def translate(self, source, destination):
        key = (source, destination)
        known = self.outside.get(key)
        if known is not None:
            return known
        address = socket.inet_aton(self.prefix + str(1 + self.generation % 250))
        while True:
            known = (address, random.randrange(20_000, 60_000))
            if known not in self.inside:
                break
        self.outside[key] = known
        self.inside[known] = source
        return known


class Router:
    def __init__(self, plans):
        self.places = {plan["name"]: Place(plan) for plan in plans}
        self.devices = {place.device: place for place in self.places.values()}
        self.queue = []
        self.order = 0
        self.counts = dict.fromkeys(
            ["forwarded", "lost", "delayed", "reordered", "doubled", "cut", "rebound", "homeless", "overrun"], 0
        )

    def destination(self, address):
        for place in self.places.values():
            if place.address == address or (place.prefix and socket.inet_ntoa(address).startswith(place.prefix)):
                return place
        return None

    def take(self, packet, sender):
        header = (packet[0] & 0x0F) * 4
        if packet[0] >> 4 != 4 or packet[9] != TCP or len(packet) < header + 20:
            return
        target = self.destination(bytes(packet[16:20]))
        if target is None or (sender.only is not None and target.name != sender.only):
            self.counts["homeless"] += 1
            return
        source = (bytes(packet[12:16]), struct.unpack_from("!H", packet, header)[0])
        goal = (bytes(packet[16:20]), struct.unpack_from("!H", packet, header + 2)[0])
        if sender.prefix:
            readdress(packet, header, 12, sender.translate(source, goal))
        if target.prefix:
            home = target.inside.get(goal)
            if home is None:
                self.counts["homeless"] += 1
                return
            readdress(packet, header, 16, home)
        for pause in self.fates(sender.impairment, target.impairment):
            self.release(packet, target, pause)

    def fates(self, out, into):
        """When the copies of one packet arrive, in seconds from now: none, one, two or four of them."""
        if out["cutOut"] or into["cutIn"]:
            self.counts["cut"] += 1
            return []
        pauses = [0.0]
        for way in (out, into):
            if random.random() < way["loss"]:
                self.counts["lost"] += 1
                return []
            pauses = [pause + self.pause(way) for pause in pauses]
            if random.random() < way["duplicate"]:
                self.counts["doubled"] += 1
                pauses += [pause + self.pause(way) for pause in pauses]
        return pauses

    def pause(self, way):
        pause = way["delay"] + random.uniform(-way["jitter"], way["jitter"])
        if random.random() < way["reorder"]:
            self.counts["reordered"] += 1
            pause += random.uniform(5, 80)
        if pause > 0:
            self.counts["delayed"] += 1
        return max(pause, 0) / 1_000

    def release(self, packet, target, pause):
        if pause == 0:
            return self.send(packet, target)
        if len(self.queue) >= LONGEST_QUEUE:
            self.counts["overrun"] += 1
            return None
        self.order += 1
        heapq.heappush(self.queue, (time.monotonic() + pause, self.order, bytes(packet), target))
        return None

    def send(self, packet, target):
        try:
            os.write(target.device, packet)
            self.counts["forwarded"] += 1
        except BlockingIOError:
            self.counts["overrun"] += 1

    def deliver_due(self):
        """Sends what is due; seconds until the next is, or none."""
        while self.queue:
            left = self.queue[0][0] - time.monotonic()
            if left > 0:
                return left
            _, _, packet, target = heapq.heappop(self.queue)
            self.send(packet, target)
        return None

    def obey(self, line):
        order = json.loads(line)
        if "set" in order:
            self.places[order.pop("set")].impairment = {**CLEAR, **order}
        elif "rebind" in order:
            self.places[order["rebind"]].rebind()
            self.counts["rebound"] += 1
        elif "count" in order:
            print(json.dumps(self.counts), flush=True)

    def run(self, orders):
        poll = select.poll()
        poll.register(orders, select.POLLIN | select.POLLHUP)
        for device in self.devices:
            poll.register(device, select.POLLIN)
        pending = b""
        while True:
            left = self.deliver_due()
            for ready, _ in poll.poll(None if left is None else max(1, left * 1_000)):
                if ready != orders:
                    self.drain(self.devices[ready])
                    continue
                read = os.read(orders, LARGEST_PACKET)
                if read == b"":
                    return
                *lines, pending = (pending + read).split(b"\n")
                for line in lines:
                    self.obey(line)

    def drain(self, place):
        while True:
            try:
                packet = os.read(place.device, LARGEST_PACKET)
            except BlockingIOError:
                return
            self.take(bytearray(packet), place)


def disks_below(directory):
    with open("/proc/mounts", encoding="utf8") as mounts:
        places = [line.split()[1] for line in mounts]
    return [place for place in places if place.startswith(directory + "/")]


def take_down(plan):
    """Whatever is gone already is no fault."""
    for place in plan["places"]:
        subprocess.run([IP, "netns", "delete", place["namespace"]], stderr=subprocess.DEVNULL, check=False)
    # Lazily: whoever was killed a moment ago may still hold files there.
    for disk in disks_below(plan["directory"]):
        subprocess.run([UMOUNT, "--lazy", disk], stderr=subprocess.DEVNULL, check=False)
    shutil.rmtree(plan["directory"], ignore_errors=True)


def main():
    # Whoever ends the test ends us by closing our input, after everything else has ended.
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    random.seed(int(sys.argv[1]))
    # Unbuffered: what follows the first line is read by its descriptor.
    first = b""
    while not first.endswith(b"\n"):
        read = os.read(0, 1)
        if read == b"":
            return
        first += read
    plan = json.loads(first)
    try:
        for place in plan["places"]:
            subprocess.run([IP, "netns", "add", place["namespace"]], check=True)
        router = Router(plan["places"])
        print(json.dumps({"ready": True}), flush=True)
        router.run(0)
    finally:
        take_down(plan)


main()
