"""What tests/booted/run tries inside the booted Debian. Each line that is printed is something that was seen."""

import hashlib
import hmac
import json
import os
import re
import socket
import sqlite3
import subprocess
import threading
import time

TOKEN, SECRET = "token-of-the-trial", b"client-secret-of-the-trial"
UNITS, FILE = "/etc/systemd/system", "/etc/autoclosed/autoclosed.toml"
WEBHOOK, ADMIN, INTERCOM = 8080, 8081, 4010
RULE = '[[rule]]\nname = "quiet"\nmatch_all = true\nstep = [{ after = "7 days", do = "close", silent = true }]\n'
CONFIGURATION = f'[intercom]\nbase_url = "http://127.0.0.1:{INTERCOM}"\n[database]\nurl = "sqlite:autoclosed.db"\n{RULE}'
failed = []


def sh(command, check=True):
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise RuntimeError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}\n{log()}")
    return (done.stdout + done.stderr).strip()


def log():
    return subprocess.run("journalctl --sync; journalctl -b -u 'autoclosed*' -n 25 -o cat", shell=True, capture_output=True, text=True).stdout


def shown(what, unit="autoclosed.service"):
    return sh(f"systemctl show --value -p {what} {unit}")


def holds(name, found, told=""):
    print(f"{'ok ' if found else 'NOT'} {name}{': ' if told != '' else ''}{told}")
    if not found:
        failed.append(name)
        print(log())


def until(name, is_so, patience=60):
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > patience:
            return holds(name, False, f"not within {patience} s")
        time.sleep(0.05)
    return holds(name, True, f"after {time.monotonic() - began:.1f} s")


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def exchanged(port, request, patience=30):
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as stream:
        stream.sendall(request)
        answer = b""
        while True:
            came = stream.recv(65536)
            if not came:
                return answer.decode()
            answer += came


def notify(number):
    with open("/trial.json", encoding="utf-8") as told:
        body = json.dumps({**json.load(told), "id": f"notif_trial_{number}"}).encode()
    signature = hmac.new(SECRET, body, hashlib.sha1).hexdigest()
    head = (
        f"POST /webhooks/intercom HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-hub-signature: sha1={signature}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return exchanged(WEBHOOK, head.encode() + body).split(" ")[1]


def asked(path):
    return exchanged(ADMIN, f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())


def intercom():
    """Answers everything with what is no answer of Intercom's, and counts: enough to see that it is asked."""
    listener = socket.create_server(("127.0.0.1", INTERCOM))
    while True:
        stream, _ = listener.accept()
        with stream:
            stream.recv(65536)
            intercom.asked += 1
            stream.sendall(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")


intercom.asked = 0


def starts_and_is_confined():
    for name, secret in (("access-token", TOKEN), ("client-secret", SECRET.decode())):
        write(f"/etc/autoclosed/intercom-{name}", secret, 0o600)
    write(FILE, CONFIGURATION)
    sh("systemctl daemon-reload && systemctl start autoclosed")
    holds("it starts, and systemd waits until it is ready", shown("ActiveState") == "active", shown("StatusText"))
    holds("a notification is answered", notify(0) == "200")
    main = shown("MainPID")
    status = open(f"/proc/{main}/status", encoding="utf-8").read()
    user = re.search(r"^Uid:\t(\d+)", status, re.M)[1]
    holds("its user exists only while it runs", 61184 <= int(user) <= 65519, user)
    for line in ("Seccomp:\t2", "NoNewPrivs:\t1", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000"):
        holds("the kernel says", line in status, line.replace("\t", " "))
    holds("so many filters", True, re.search(r"^Seccomp_filters:\t(\d+)", status, re.M)[1])
    state = sh("stat -Lc '%u %a' /var/lib/autoclosed") + ", " + sh("stat -Lc '%u %a' /var/lib/autoclosed/autoclosed.db")
    holds("only it can enter its folder and read its database", state == f"{user} 700, {user} 600", state)
    environment = open(f"/proc/{main}/environ", encoding="utf-8").read()
    holds("its environment has no secret, as they are credentials", TOKEN not in environment and "CREDENTIALS" in environment)
    until("it has asked Intercom with the token", lambda: intercom.asked > 0)


def reloads():
    write(FILE, CONFIGURATION.replace("7 days", "8 days"))
    sh("systemctl reload autoclosed")
    holds("a reload has ended when systemctl returns", "reloaded the configuration" in log())
    write(FILE, "nonsense\n" + CONFIGURATION)
    sh("systemctl reload autoclosed")
    until("a mistake shows in the status", lambda: re.search("bad: .*config", shown("StatusText")), 20)
    holds("and it goes on", notify(1) == "200")
    write(FILE, CONFIGURATION)
    sh("systemctl reload autoclosed")


def is_watched():
    main = shown("MainPID")
    sh(f"kill -STOP {main}")
    began = time.monotonic()
    until("one that hangs is ended by the watchdog and started again", lambda: shown("MainPID") not in ("0", main), 45)
    holds("within the watchdog's time and five seconds", time.monotonic() - began < 35 + 3, f"{time.monotonic() - began:.0f} s")
    until("and is ready again", lambda: shown("ActiveState") == "active")
    holds("systemd counts it", shown("NRestarts") == "1", shown("NRestarts"))
    holds("and answers", notify(2) == "200")


def restarts_without_a_refused_connection():
    sh("systemctl stop autoclosed && systemctl enable --now autoclosed.socket && systemctl start autoclosed")
    holds("it took the socket", "listening on the socket that systemd keeps" in log())
    stop, came, errors, times = threading.Event(), [], [], []

    def one(number, due):
        try:
            status = notify(number)
            came.append(number) if status == "200" else errors.append(status)
        except OSError as error:
            errors.append(str(error))
        times.append(time.monotonic() - due)

    def send():
        number, due = 1000, time.monotonic()
        senders = []
        while not stop.is_set():
            number, due = number + 1, due + 0.01
            time.sleep(max(0, due - time.monotonic()))
            senders.append(threading.Thread(target=one, args=(number, due)))
            senders[-1].start()
        for sender in senders:
            sender.join()

    sending, restarts = threading.Thread(target=send), int(os.environ["RESTARTS"])
    sending.start()
    for _ in range(restarts):
        time.sleep(0.3)
        # Else the eleventh within five minutes would be refused.
        sh("systemctl reset-failed autoclosed; systemctl restart autoclosed")
    stop.set()
    sending.join()
    holds(f"{restarts} restarts under 100 requests a second", not errors, f"{len(came)} answered 200, {len(errors)} errors {errors[:3]}")
    holds("the slowest answer", max(times) <= 5, f"{max(times):.2f} s")
    sh("systemctl stop autoclosed.socket autoclosed.service")
    database = sqlite3.connect("file:/var/lib/autoclosed/autoclosed.db?mode=ro", uri=True)
    seen = {row[0] for row in database.execute("SELECT id FROM seen_notifications")}
    database.close()
    missing = {f"notif_trial_{number}" for number in came} - seen
    holds("all that was acknowledged is in the database", not missing, f"{len(missing)} of {len(came)} are missing")
    sh("systemctl reset-failed autoclosed; systemctl start autoclosed.socket")
    holds("a connection starts it when it is down", notify(5) == "200")


def tells_a_wrong_socket():
    sh("systemctl stop autoclosed.socket autoclosed.service")
    sh(f"sed -i 's/:{WEBHOOK}$/:9090/' {UNITS}/autoclosed.socket && systemctl daemon-reload && systemctl start autoclosed.socket")
    sh("systemctl start autoclosed", check=False)
    until("another address than the configuration's is refused", lambda: shown("ExecMainStatus") == "2")
    said = next((line for line in reversed(log().splitlines()) if line.startswith("autoclosed: ")), "nothing")
    holds("it says", "9090" in said, said)
    try:
        exchanged(9090, b"x", 3)
    except OSError:
        pass
    time.sleep(3)
    states = [shown("ActiveState", f"autoclosed.{kind}") + "/" + shown("Result", f"autoclosed.{kind}") for kind in ("service", "socket")]
    holds("service and socket are then", True, ", ".join(states))
    sh(f"sed -i 's/:9090$/:{WEBHOOK}/' {UNITS}/autoclosed.socket && systemctl daemon-reload")
    sh("systemctl reset-failed && systemctl restart autoclosed.socket && systemctl start autoclosed.service")
    holds("mended and started again, it answers", notify(3) == "200")


def takes_two_sockets():
    admin = f"[Socket]\nListenStream=127.0.0.1:{ADMIN}\nFileDescriptorName=admin\nService=autoclosed.service\n"
    write(f"{UNITS}/autoclosed-admin.socket", admin)
    sh("systemctl stop autoclosed.service && systemctl daemon-reload")
    sh("systemctl start autoclosed-admin.socket autoclosed.socket && systemctl start autoclosed.service")
    holds("both listeners are on sockets", log().split("Starting")[-1].count("listening on the socket that systemd keeps") == 2)
    holds("and each answers what is its own", (notify(6), asked("/ready").split(" ")[1]) == ("200", "200"))
    sh(f"systemctl stop autoclosed-admin.socket autoclosed.socket autoclosed.service && rm {UNITS}/autoclosed-admin.socket")
    sh("systemctl daemon-reload && systemctl reset-failed && systemctl start autoclosed.socket autoclosed.service")


def is_isolated():
    sh("ip address add 192.0.2.1/32 dev lo", check=False)
    probe = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('192.0.2.1', 9)); print('sent')"
    run = f"systemd-run --quiet --pipe --wait %s /usr/bin/python3 -c \"{probe}\""
    free = sh(run % "", check=False).splitlines()[-1:]
    shut = sh(run % "-p IPAddressDeny=any -p IPAddressAllow=localhost", check=False).splitlines()[-1:]
    holds("a packet to an address that is not the loopback's leaves", free == ["sent"], free)
    holds("and with the drop-in's lines it does not", "not permitted" in "".join(shut), shut)
    sh(f"install -D -m 644 -t {UNITS}/autoclosed.service.d /usr/share/autoclosed/isolated.conf && systemctl daemon-reload")
    before = intercom.asked
    sh("systemctl reset-failed autoclosed; systemctl restart autoclosed")
    holds("with the drop-in it answers", notify(4) == "200", shown("IPAddressAllow"))
    until("and reaches the proxy on the loopback", lambda: intercom.asked > before)
    exposure = sh("systemd-analyze security --no-pager autoclosed.service | tail -n 1")
    holds("its exposure", " 0.9 " in exposure, exposure.strip())


def main():
    threading.Thread(target=intercom, daemon=True).start()
    print(sh("systemctl --version | head -n 1"), "on Linux", os.uname().release)
    for part in (starts_and_is_confined, reloads, is_watched, restarts_without_a_refused_connection, takes_two_sockets, tells_a_wrong_socket, is_isolated):
        print(f"-- {part.__name__.replace('_', ' ')}")
        try:
            part()
        except Exception as error:  # what broke is told, and the rest is tried
            holds(part.__name__, False, f"{type(error).__name__}: {error}")
    print("All of it held." if not failed else f"{len(failed)} did not hold: {failed}")


main()
