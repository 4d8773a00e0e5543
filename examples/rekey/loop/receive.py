"""Takes signed events and keeps each request in a folder, for loop.sh to verify.

Usage: receive.py FOLDER. The port is written to FOLDER/port.
"""

import http.server
import os
import sys

folder = sys.argv[1]


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        event = os.path.join(folder, self.headers["webhook-id"])
        for name in "webhook-id", "webhook-timestamp", "webhook-signature":
            with open(event + "." + name, "w") as file:
                file.write(self.headers[name])
        with open(event + ".part", "wb") as file:
            file.write(body)
        os.rename(event + ".part", event + ".json")  # whole or not there
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
with open(os.path.join(folder, "port.part"), "w") as file:
    file.write(str(server.server_port))
os.rename(os.path.join(folder, "port.part"), os.path.join(folder, "port"))
server.serve_forever()
