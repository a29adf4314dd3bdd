#!/usr/bin/env python3
"""A client of powermon's control socket that learns what can be asked from powermon itself; nothing but Python 3.8.

    python3 powermon_client.py /run/powermon/control.sock freq cpus=0-1
    python3 powermon_client.py /run/powermon/control.sock changeVm vm=vm1 ceiling=base dryRun=true
"""
import http.client
import json
import socket
import sys
import urllib.parse


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("powermon", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Powermon:
    def __init__(self, path="/run/powermon/control.sock"):
        self.path = path
        document = self.send("GET", "/v1/openapi.json")
        self.operations = {one["operationId"]: (method.upper(), at, [p["name"] for p in one.get("parameters", [])])
                           for at, methods in document["paths"].items() for method, one in methods.items()}

    def ask(self, operation, **said):
        """Returns the answer; raises RuntimeError with powermon's own sentence. What is no part of the path is the body."""
        method, path, places = self.operations[operation]
        for place in places:
            path = path.replace("{%s}" % place, urllib.parse.quote(str(said.pop(place)), safe=""))
        return self.send(method, path, said or None)

    def send(self, method, path, body=None):
        connection = Connection(self.path)
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = json.load(connection.getresponse())
        if "error" in answer:
            raise RuntimeError("{code}: {message}".format(**answer["error"]))
        return answer


def value(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


if __name__ == "__main__":
    powermon, operation = Powermon(sys.argv[1]), sys.argv[2]
    places = powermon.operations[operation][2]
    words = (word.split("=", 1) for word in sys.argv[3:])
    said = {key: text if key in places else value(text) for key, text in words}
    print(json.dumps(powermon.ask(operation, **said), indent=1))
