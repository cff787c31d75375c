// Pieces of code that report a first record, ready to be copied.

const quoted = JSON.stringify;
const inShell = (text) => (/^[\w:/.-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** `server` is an address, `key` an ingest key. `secret`: the app demands signed reports. `from`: the
 * header that says where a report is from, as [name, value], if the app asks. */
export function curl({ server, key, secret, from }) {
  const headers = [["X-Redlog-Key", key], ...(from ? [from] : [])].map((pair) => `  -H ${inShell(pair.join(": "))} \\\n`).join("");
  const body = '{"message": "hello from curl, 你好", "level": "info"}';
  const address = inShell(`${server}/api/v1/logs`);
  if (!secret) return `curl ${address} \\\n${headers}  -d '${body}'`;
  return `secret=${secret}
body='${body}'
t=$(date +%s)
v1=$(printf '%s.%s' "$t" "$body" | openssl dgst -sha256 -hmac "$secret" -r | cut -d ' ' -f 1)
curl ${address} \\
${headers}  -H "X-Redlog-Signature: t=$t,v1=$v1" \\
  -d "$body"`;
}

/** A page can keep no secret, and its browser says itself where it is from. */
export function javascript({ server, key }) {
  return `fetch(${quoted(`${server}/api/v1/logs?key=${key}`)}, {
  method: "POST",
  keepalive: true,
  body: JSON.stringify({ message: "hello from a page, 你好", level: "info" }),
}).then(async (reply) => console.log(reply.status, await reply.text()));`;
}

/** The standard library does. */
export function python({ server, key, secret, from }) {
  const headers = [["X-Redlog-Key", key], ...(from ? [from] : [])].map((pair) => `    ${pair.map(quoted).join(": ")},\n`).join("");
  const [imports, signed, signature] = secret
    ? [
        "import hashlib\nimport hmac\nimport json\nimport time\nimport urllib.request",
        `\nt = str(int(time.time()))\nv1 = hmac.new(${quoted(secret)}.encode(), f"{t}.".encode() + body, hashlib.sha256).hexdigest()`,
        '    "X-Redlog-Signature": f"t={t},v1={v1}",\n',
      ]
    : ["import json\nimport urllib.request", "", ""];
  return `${imports}

body = json.dumps({"message": "hello from Python, 你好", "level": "info"}).encode()${signed}
headers = {
${headers}${signature}    "Content-Type": "application/json",
}
request = urllib.request.Request(${quoted(`${server}/api/v1/logs`)}, body, headers)
with urllib.request.urlopen(request) as reply:
    print(reply.status, reply.read().decode())`;
}
