"""A small schema registry with the part of Confluent's API that serializers and Odometer use; it can be stopped and disturbed."""

import base64
import contextlib
import http.server
import json
import re
import socket
import ssl
import threading
import urllib.parse
import uuid

from google.protobuf import descriptor_pb2


class Registry:
    """Answers on a port of the loopback while it is `up`; what it holds outlives a stop."""

    def __init__(self, port, authorization=None, certificate=None):
        """`authorization`: the header that requests must have. `certificate`: files of certificate and key, for HTTPS."""
        self.port, self.authorization, self.certificate = port, authorization, certificate
        self.schemas, self.subjects, self.proto_texts = {}, {}, {}
        self.guids = {}
        self.first_id = 100_001
        self.status = 200  # another one: every request is answered by it
        self.asked = []
        self.connections = set()
        self._server = None

    @property
    def url(self):
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    def start(self):
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            # Connections stay open, as those to real registries do.
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self):
                super().setup()
                registry.connections.add(self.connection)

            def finish(self):
                registry.connections.discard(self.connection)
                super().finish()

            def do_GET(self):
                self.reply(None)

            def do_POST(self):
                self.reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def reply(self, body):
                status, answer = registry.answer(self.path, body, self.headers)
                text = json.dumps(answer).encode()
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", answer["location"])
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
            for connection in list(self.connections):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def add(self, subject, text, kind="AVRO", references=()):
        """Registers a text; its id."""
        wanted = {"schema": text, "schemaType": kind, "references": list(references)}
        found = next((number for number, schema in self.schemas.items() if schema == wanted), None)
        if found is None:
            found = self.first_id + len(self.schemas)
            self.schemas[found] = wanted
            self.guids[str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(wanted)))] = found
        versions = self.subjects.setdefault(subject, [])
        if found not in versions:
            versions.append(found)
        return found

    def guid(self, number):
        return next(guid for guid, found in self.guids.items() if found == number)

    def answer(self, path, body, headers):
        if self.authorization and headers.get("Authorization") != self.authorization:
            return 401, {"error_code": 401, "message": "Unauthorized"}
        if self.status == 302:
            return 302, {"location": self.elsewhere}
        if self.status != 200:
            return self.status, {"error_code": 50001, "message": "disturbed"}
        path = urllib.parse.urlsplit(path).path
        if body is not None:
            return self.posted(path, body)
        self.asked.append(path)
        if match := re.fullmatch(r"/schemas/ids/(\d+)", path):
            return self.schema(int(match[1]))
        if match := re.fullmatch(r"/schemas/guids/([0-9a-f-]+)", path):
            return self.schema(self.guids.get(match[1]))
        if path == "/subjects":
            return 200, list(self.subjects)
        if match := re.fullmatch(r"/subjects/([^/]+)/versions/(\d+|latest)", path):
            return self.version(urllib.parse.unquote(match[1]), match[2])
        return 404, {"error_code": 404, "message": "HTTP 404 Not Found"}

    def schema(self, number):
        if number not in self.schemas:
            return 404, {"error_code": 40403, "message": "Schema not found"}
        return 200, self.shown(number)

    def shown(self, number):
        schema = {**self.schemas[number], "guid": self.guid(number)}
        if schema["schemaType"] == "AVRO":
            del schema["schemaType"]
        if not schema["references"]:
            del schema["references"]
        return schema

    def version(self, subject, version):
        versions = self.subjects.get(subject)
        if versions is None:
            return 404, {"error_code": 40401, "message": "Subject not found"}
        number = len(versions) if version == "latest" else int(version)
        if number > len(versions):
            return 404, {"error_code": 40402, "message": "Version not found"}
        found = versions[number - 1]
        return 200, {"subject": subject, "version": number, "id": found, **self.shown(found)}

    def posted(self, path, body):
        match = re.fullmatch(r"/subjects/([^/]+)(/versions)?", path)
        if not match:
            return 404, {"error_code": 404, "message": "HTTP 404 Not Found"}
        kind, text = body.get("schemaType", "AVRO"), body["schema"]
        if kind == "PROTOBUF":
            # Clients send a descriptor; registries keep and give the text.
            file = descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(text))
            text = self.proto_texts[file.name]
        subject = urllib.parse.unquote(match[1])
        references = [{key: each[key] for key in ("name", "subject", "version")} for each in body.get("references", ())]
        number = self.add(subject, text, kind, references)
        version = self.subjects[subject].index(number) + 1
        return 200, {"subject": subject, "id": number, "version": version, "guid": self.guid(number), "schema": body["schema"],
                     "schemaType": kind, "references": references}
