#!/bin/bash
# The whole loop against the single binary, without Go: import users, send a code,
# reset the password, check it, receive and verify the event, erase the user.
#
#   loop.sh PATH_OF_REKEY
#
# It needs curl, jq, openssl and python3. It works in a temporary folder and leaves
# nothing behind.
set -euo pipefail
rekey=$(realpath "${1:?usage: loop.sh PATH_OF_REKEY}")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"

fail() { echo "loop.sh: $*" >&2; [ ! -f log ] || tail -n 5 log >&2; exit 1; }
step() { echo "ok: $*"; }

# soon waits up to 30 seconds until a command succeeds.
soon() { for _ in $(seq 300); do "$@" 2>/dev/null && return; sleep 0.1; done; fail "timed out: $*"; }

# 1. A token for the backend, a receiver for events, and the server.
token=$("$rekey" token new -management-tokens tokens -name backend -scopes all 2>/dev/null)
mkdir events
python3 "$here/receive.py" events &
pids+=($!)
soon test -s events/port
secret="whsec_$(openssl rand -base64 32)"
REKEY_EVENTS_SECRET=$secret "$rekey" serve -db rekey.db -addr 127.0.0.1:0 -sms console \
  -management-addr 0 -management-tokens tokens -events-webhook "http://127.0.0.1:$(cat events/port)/rekey" >sms 2>log &
pids+=($!)
soon grep -q '"msg":"serving"' log
public=http://$(jq -r 'select(.msg == "serving").addr' log)
management=http://$(jq -r 'select(.msg == "serving").management' log)
step "serving on $public, management on $management"

# api STATUS METHOD PATH [BODY] calls the management API and prints the answer.
api() {
  local status
  status=$(curl -sS -o answer -w '%{http_code}' -X "$2" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
    ${4:+-d "$4"} "$management$3")
  [ "$status" = "$1" ] || fail "$2 $3: $status, want $1: $(cat answer)"
  cat answer
}

# 2. The application, and users with the hashes of an earlier system, here Django's.
api 201 POST /v1/clients '{"id":"shop","name":"Shop"}' >/dev/null
django() { # PASSWORD
  local salt
  salt=$(openssl rand -hex 11)
  printf 'pbkdf2_sha256$600000$%s$%s' "$salt" \
    "$(openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt "pass:$1" -kdfopt "salt:$salt" -kdfopt iter:600000 -binary PBKDF2 | base64)"
}
cat >users.csv <<CSV
u1,13800138000,$(django violet-Harbor-93)
u2,13900139000,$(django granite-Willow-58)
CSV
while IFS=, read -r id mobile hash; do
  api 201 POST /v1/users "$(jq -n --arg id "$id" --arg mobile "$mobile" --arg hash "$hash" \
    '{id: $id, mobile: $mobile, password_hash: $hash, verified: true}')" >/dev/null
done <users.csv
check() { api "$1" POST /v1/passwords/check "{\"mobile\":\"13800138000\",\"password\":\"$2\",\"address\":\"203.0.113.7\"}"; }
[ "$(check 200 violet-Harbor-93 | jq -r .id)" = u1 ] || fail "the imported password belongs to another user"
step "users are imported with their passwords"

# 3. The person asks for a code and resets the password, on the public routes.
sdk() { # PATH BODY
  local status
  status=$(curl -sS -o answer -w '%{http_code}' -H 'Content-Type: application/json' -H 'X-operating-sys-version: Android 10' \
    -H 'X-device-fingerprint: 156aysdna213sac' -H 'X-device-ip: 10.10.10.1' -H 'X-agent: Mozilla/5.0' -H 'X-L: en' \
    -H 'X-client-id: shop' -d "$2" "$public/api/v2/sdk/$1")
  [ "$status" = 200 ] || fail "$1: $status: $(cat answer)"
}
sdk sms/send '{"mobile":"13800138000","type":"FORGET_PWD_SMS"}'
soon grep -Eqw '[0-9]{6}' sms
code=$(grep -Eow '[0-9]{6}' sms | head -n 1)
sdk pwd/update-by-mobile "{\"mobile\":\"13800138000\",\"verify_code\":\"$code\",\"password\":\"marble-Lantern-58\"}"
step "the password is reset with the code of the SMS"

# 4. The backend checks the password.
check 200 marble-Lantern-58 >/dev/null
[ "$(check 422 violet-Harbor-93 | jq -r .code)" = wrong_credentials ] || fail "the old password is not refused as wrong"
step "the new password signs in, the old one does not"

# 5. The event. Its signature is an HMAC over id, time and body under the secret.
received() { ls events/*.json >/dev/null; }
soon received
event=$(ls events/*.json)
event=${event%.json}
key=$(printf %s "${secret#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \n')
signature=$({ printf '%s.%s.' "$(cat "$event.webhook-id")" "$(cat "$event.webhook-timestamp")"; cat "$event.json"; } |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)
grep -qwF "v1,$signature" "$event.webhook-signature" || fail "the signature of the event is wrong"
age=$(($(date +%s) - $(cat "$event.webhook-timestamp")))
[ "${age#-}" -le 300 ] || fail "the event is too old: it may be a replay"
[ "$(jq -r '.type + " " + .data.user_id' "$event.json")" = "password.reset u1" ] || fail "the event is $(cat "$event.json")"
step "the event password.reset is received, and its signature is right"

# 6. The operator sees the reset, and the user is erased.
api 200 GET /metrics >metrics
grep -q '^rekey_events_total{.*rekey_event="password.reset".*} 1$' metrics ||
  fail "the reset is not in the metrics"
api 204 DELETE /v1/users/u1
[ "$(api 404 POST /v1/users/find '{"mobile":"13800138000"}' | jq -r .code)" = not_found ] || fail "the user is still found"
api 200 GET /v1/users/u2 >/dev/null
step "the user is erased"
