"""What `cargo xtask bench participants --python` asks of an oTree server over its REST interface.

    ask.py ADDRESS session PEOPLE    makes a session; prints the path of its link
    ask.py ADDRESS stored            prints {"version": …, "estimates": {value: how often it is stored}}
"""

import csv
import io
import json
import sys
import urllib.parse
import urllib.request
from collections import Counter


def ask(address, path, body=None):
    request = urllib.request.Request(f"http://{address}{path}", headers={"content-type": "application/json"})
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(request, data, timeout=600) as answer:
        return answer.read().decode("utf-8-sig")


def main():
    address, what = sys.argv[1:3]
    if what == "session":
        made = ask(address, "/api/sessions", {"session_config_name": "jars", "num_participants": int(sys.argv[3])})
        print(urllib.parse.urlsplit(json.loads(made)["session_wide_url"]).path)
    elif what == "stored":
        rows = csv.DictReader(io.StringIO(ask(address, "/api/export_app?app=jars&type=csv")))
        estimates = Counter(row["player.estimate"] for row in rows if row["player.estimate"])
        version = json.loads(ask(address, "/api/otree_version"))["version"]
        print(json.dumps({"version": version, "estimates": estimates}))


main()
