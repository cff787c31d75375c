// Server-Sent Events as they come. EventSource can't send what the page signs in with.

/** Hand over events, those that come together at once: [{name, id, data, retry}]; until the end. */
export async function readEvents(body, take) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    if (blocks.length) take(blocks.map(eventOf));
  }
}

/** The fields of an event; a line that begins with a colon is a comment. */
function eventOf(block) {
  const event = { event: "message", id: "", data: "", retry: "" };
  for (const line of block.split("\n")) {
    const end = line.indexOf(":");
    if (end > 0) event[line.slice(0, end)] = line.slice(end + 1).trimStart();
  }
  return event;
}
