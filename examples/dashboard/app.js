// The newest records of a RedLog server, and those that come, from any origin that it lets in.
const TEXTS = {
  en: { server: "Server", token: "Token", query: "Query", show: "Show", live: "Live",
        polling: "No stream is free: asked every 5 seconds", again: "Trying again:",
        gap: "records came too fast to be shown" },
  zh: { server: "服务器", token: "令牌", query: "查询", show: "显示", live: "实时",
        polling: "没有空闲的实时流：每 5 秒查询一次", again: "重试中：",
        gap: "条记录来得太快，未能显示" },
};
const MOST = 500; // rows in the page
const language = new URLSearchParams(location.search).get("lang") ?? navigator.language;
const say = TEXTS[language.startsWith("zh") ? "zh" : "en"];
const form = document.querySelector("form");
const list = document.querySelector("ol");
const shown = new Map(); // row by the record's id
let following = new AbortController();

/** Ask the server; refusals are errors with a `status` and, at times, a `wait` in ms. */
async function ask({ server, token }, path, query, signal) {
  const url = `${server.replace(/\/$/, "")}/api/v1/${path}?${new URLSearchParams(query)}`;
  const answer = await fetch(url, { headers: { Authorization: `Bearer ${token}` }, signal });
  if (answer.ok) return answer;
  const { title, detail } = await answer.json();
  const wait = 1000 * answer.headers.get("Retry-After") || 5000;
  throw Object.assign(new Error(detail || title), { status: answer.status, wait });
}

/** Server-Sent Events as objects. EventSource would do, if it could send a token. */
async function* eventsOf(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (text + value).split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      yield Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s, 2)));
    }
  }
}

/** Put a row on top. What was reported is text, whatever it looks like. */
function add(id, kind, text) {
  if (shown.has(id)) return;
  const row = document.createElement("li");
  row.className = kind;
  row.textContent = text;
  list.prepend(row);
  shown.set(id, row);
  if (shown.size <= MOST) return;
  const [oldest] = shown.keys();
  shown.get(oldest).remove();
  shown.delete(oldest);
}

function show({ id, level, time, message }) {
  add(id, level, `${new Date(time).toLocaleString(language)}  ${level.padEnd(7)}  ${message}`);
}

async function showNewest(settings, signal) {
  const { logs } = await (await ask(settings, "logs", { q: settings.q }, signal)).json();
  logs.reverse().forEach(show);
}

/** Follow the records, on and on: a stream that ends is gone on with where it ended. */
async function follow(settings, signal) {
  let [lastId, wait] = ["", 2000];
  while (!signal.aborted) {
    try {
      const query = { q: settings.q, ...(lastId && { last_event_id: lastId }) };
      const answer = await ask(settings, "logs/tail", query, signal);
      if (!lastId) await showNewest(settings, signal); // the stream begins before the list ends
      tell(say.live);
      for await (const { id, event, data, retry } of eventsOf(answer)) {
        lastId = id ?? lastId;
        wait = Number(retry ?? wait);
        if (event === "gap") add(id, "gap", `${JSON.parse(data).records} ${say.gap}`);
        else if (data) show(JSON.parse(data));
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error.status >= 400 && error.status < 500) return tell(error.message);
      const isBusy = [501, 503].includes(error.status);
      if (isBusy) await showNewest(settings, signal).catch(() => {});
      tell(isBusy ? say.polling : `${say.again} ${error.message}`);
      wait = error.wait ?? wait;
    }
    await new Promise((wake) => setTimeout(wake, Math.min(wait, 5000)));
  }
}

function tell(text) {
  document.querySelector("[role=status]").textContent = text;
}

function begin() {
  following.abort();
  following = new AbortController();
  shown.clear();
  list.replaceChildren();
  follow(Object.fromEntries(new FormData(form)), following.signal);
}

document.documentElement.lang = language;
document.querySelectorAll("[data-say]").forEach((each) => (each.textContent = say[each.dataset.say]));
for (const input of form.elements) input.value ||= sessionStorage.getItem(input.name) ?? "";
form.addEventListener("submit", (event) => {
  event.preventDefault();
  for (const { name, value } of form.elements) if (name) sessionStorage.setItem(name, value);
  begin();
});
if (form.checkValidity()) begin();
