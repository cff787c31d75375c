// How the server fares: whether it is well, what that depends on, and what it holds.
import { html } from "../html.js";
import { ask } from "../model/api.js";
import { may } from "../model/session.js";
import { number, t } from "../text/index.js";
import { Answer, useAnswer } from "./answer.js";
import { Sheet, size, Table, When } from "./sheet.js";

const EVERY_MS = 5000;

export default function Server() {
  if (!may("admin")) return html`<${Sheet} title=${t("page.server")}><p class="note">${t("admins-only")}</p><//>`;
  return html`<${Sheet} title=${t("page.server")}><${State} /><//>`;
}

function State() {
  const answer = useAnswer((signal) => ask("server", { signal }), "", EVERY_MS);
  return html`
    <${Answer} of=${answer}>
      ${(state) => html`
        <${Verdict} ...${state} />
        <${Table} label=${t("page.server")} heads=${["server.part", "server.state", "server.figures"].map((key) => t(key))} rows=${rowsOf(state)} />
        <h2>${t("server.partitions")}</h2>
        <${Partitions} partitions=${state.partitions} />
        <h2>${t("server.nodes")}</h2>
        <${Nodes} nodes=${state.nodes} />
      `}
    <//>
  `;
}

function Verdict({ status, reasons }) {
  return html`
    <div role="status" class=${`verdict ${status}`}>
      <p class="headline">${t(`server.${status}`)}</p>
      ${reasons.map((reason) => html`<p key=${reason} class="complaint">${reason}</p>`)}
    </div>
  `;
}

function rowsOf({ journal, writer, disk, database, redis, role, workers, worker_class: kind }) {
  const isAlive = writer.silent_seconds >= 0 && writer.silent_seconds < 30;
  const rows = {
    writer: [
      writer.error ?? t(!writer.enabled ? "server.writer.off" : isAlive ? "server.writer.alive" : "server.writer.silent"),
      t("server.writer.figures", { seconds: number(writer.silent_seconds), rate: size(writer.bytes_per_second), quarantined: number(writer.quarantined) }),
    ],
    journal: [
      html`<${Gauge} share=${journal.backlog_bytes / journal.max_bytes} /> ${t("server.journal.waits", { size: size(journal.backlog_bytes) })}`,
      t("server.journal.figures", { soft: size(journal.soft_bytes), max: size(journal.max_bytes), sync: journal.sync }),
    ],
    disk: [
      html`<${Gauge} share=${1 - disk.free_bytes / disk.total_bytes} /> ${t("server.disk.free", { size: size(disk.free_bytes) })}`,
      t("server.disk.figures", { total: size(disk.total_bytes), min: size(disk.min_free_bytes) }),
    ],
    database: [`${database.kind} ${database.version}`, t(database.schema === database.wanted_schema ? "server.schema" : "server.schema.other", database)],
    redis: [t(!redis.configured ? "server.redis.none" : redis.complaint ? "server.redis.away" : "server.redis.answers"), redis.complaint ?? "–"],
    process: [t("server.process", { role }), t("server.process.figures", { workers: number(workers), kind })],
  };
  return Object.entries(rows).map(([name, cells]) => ({ key: name, cells: [t(`server.${name}.name`), ...cells] }));
}

function Gauge({ share }) {
  return html`<svg class=${`gauge ${share > 0.9 ? "full" : ""}`} viewBox="0 0 60 8" aria-hidden="true"><rect width=${60 * Math.min(1, Math.max(0, share))} height="8" /></svg>`;
}

function Partitions({ partitions }) {
  if (!partitions.length) return html`<p class="note">${t("server.partitions.none")}</p>`;
  const sum = (name) => partitions.reduce((all, each) => all + each[name], 0);
  const rows = partitions.map((each) => ({
    key: each.day,
    cells: [each.day.replace(/^(....)(..)/, "$1-$2-"), each.records, size(each.bytes), each.kind, `${each.schema_version}`, t(each.drop_requested ? "server.dropping" : "server.kept")],
  }));
  const heads = ["server.day", "counters.records", "server.size", "server.kind", "server.version", "server.state"].map((key) => t(key));
  return html`<${Table} label=${t("server.partitions")} heads=${heads} rows=${rows} foot=${[t("server.all"), sum("records"), size(sum("bytes")), "", "", ""]} />`;
}

function Nodes({ nodes }) {
  const rows = nodes.map(({ name, is_this: isThis, seen_at: seen }) => ({ key: name, cells: [name, html`<${When} time=${seen} />`, isThis ? t("server.this") : "–"] }));
  return html`<${Table} label=${t("server.nodes")} heads=${["server.node", "server.seen", "server.answers"].map((key) => t(key))} rows=${rows} />`;
}
