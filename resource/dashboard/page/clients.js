// What an app's developers paste into their client, whichever they have. docs/clients/lines.md shows
// the same.
import { curl, javascript, python } from "./snippets.js";

const quoted = JSON.stringify;
const DSN_PROJECT = 1; // any number: the key says which app it is

/** What the lines need of a server's address, an ingest key, and what `curl` takes besides. */
export function valuesOf({ server, key, ...more }) {
  const { protocol, host, hostname, port, pathname } = new URL(server);
  const isSecure = protocol === "https:";
  const path = pathname.replace(/\/+$/, "");
  return {
    server,
    key,
    ...more,
    below: `${server}/k/${key}`,
    path,
    host,
    hostname,
    isSecure,
    port: port || (isSecure ? "443" : "80"),
    dsn: `${protocol}//${key}@${host}${path}/${DSN_PROJECT}`,
  };
}

const redlogJavascript = ({ server, key }) => `<script src="${server}/sdk/redlog.js"></script>
<script>
  const log = redlog.init({ key: ${quoted(key)}, captureErrors: true });
  log.info("hello from a page, 你好");
</script>`;

const redlogPython = ({ server, key }) => `# pip install ./sdk/python
import logging
from redlog_client import RedlogHandler

handler = RedlogHandler(${quoted(server)}, ${quoted(key)})
logging.basicConfig(level=logging.INFO, handlers=[handler])
logging.info("hello from Python, 你好")`;

const sentryJavascript = ({ dsn }) => `// npm install @sentry/browser
import * as Sentry from "@sentry/browser";

Sentry.init({ dsn: ${quoted(dsn)}, enableLogs: true });
Sentry.captureMessage("hello from a page, 你好");`;

const sentryPython = ({ dsn }) => `# pip install sentry-sdk
import sentry_sdk

sentry_sdk.init(dsn=${quoted(dsn)}, enable_logs=True)
sentry_sdk.capture_message("hello from Python, 你好")`;

const sentryAndroid = ({ dsn }) => `// app/build.gradle
dependencies {
    implementation 'io.sentry:sentry-android:8.44.1'
}

<!-- AndroidManifest.xml -->
<application>
  <meta-data android:name="io.sentry.dsn" android:value="${dsn}" />
</application>`;

const sentryIos = ({ dsn }) => `// Swift Package Manager: https://github.com/getsentry/sentry-cocoa.git
import Sentry

SentrySDK.start { options in
    options.dsn = ${quoted(dsn)}
}
SentrySDK.capture(message: "hello from iOS, 你好")`;

const sentryFlutter = ({ dsn }) => `# pubspec.yaml
dependencies:
  sentry_flutter: ^9.22.0

// lib/main.dart
import 'package:flutter/widgets.dart';
import 'package:sentry_flutter/sentry_flutter.dart';

Future<void> main() async {
  await SentryFlutter.init(
    (options) => options.dsn = '${dsn}',
    appRunner: () => runApp(const MyApp()),
  );
}`;

const sentryUnity = ({ dsn }) => `Package Manager › Install package from git URL
https://github.com/getsentry/unity.git

Tools › Sentry › DSN
${dsn}`;

const otelEnvironment = ({ server, key }) => `export OTEL_SERVICE_NAME=shop
export OTEL_LOGS_EXPORTER=otlp
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_ENDPOINT=${server}
export OTEL_EXPORTER_OTLP_HEADERS=x-api-key=${key}
# such as: java -javaagent:opentelemetry-javaagent.jar -jar shop.jar`;

const otelJava = ({ server, key }) => `// io.opentelemetry:opentelemetry-sdk, io.opentelemetry:opentelemetry-exporter-otlp
var exporter = OtlpHttpLogRecordExporter.builder()
    .setEndpoint(${quoted(`${server}/v1/logs`)})
    .addHeader("x-api-key", ${quoted(key)})
    .build();
var provider = SdkLoggerProvider.builder()
    .addLogRecordProcessor(BatchLogRecordProcessor.builder(exporter).build())
    .build();
provider.get("shop").logRecordBuilder().setSeverity(Severity.INFO).setBody("hello from Java, 你好").emit();`;

const otelSwift = ({ server, key }) => `// Swift Package Manager: https://github.com/open-telemetry/opentelemetry-swift
import OpenTelemetryApi
import OpenTelemetryProtocolExporterCommon
import OpenTelemetryProtocolExporterHttp
import OpenTelemetrySdk

let exporter = OtlpHttpLogExporter(
    endpoint: URL(string: ${quoted(`${server}/v1/logs`)})!,
    config: OtlpConfiguration(headers: [("x-api-key", ${quoted(key)})])
)
OpenTelemetry.registerLoggerProvider(loggerProvider: LoggerProviderBuilder()
    .with(processors: [BatchLogRecordProcessor(logRecordExporter: exporter)])
    .build())`;

const lokiAgents = ({ below }) => `# Promtail
clients:
  - url: ${below}/loki/api/v1/push

// Alloy
loki.write "redlog" {
  endpoint {
    url = ${quoted(`${below}/loki/api/v1/push`)}
  }
}`;

const lokiPino = ({ server, key }) => `// npm install pino pino-loki
import pino from "pino";

const options = { host: ${quoted(server)}, basicAuth: { username: "redlog", password: ${quoted(key)} } };
const logger = pino(pino.transport({ target: "pino-loki", options }));
logger.info("hello from pino, 你好");`;

// Its client wants a port, whichever it is.
const elasticsearch = ({ isSecure, hostname, port, path, key }) => `# pip install elasticsearch
from elasticsearch import Elasticsearch

server = "${isSecure ? "https" : "http"}://${hostname}:${port}${path}"
with Elasticsearch(server, basic_auth=("redlog", ${quoted(key)})) as client:
    client.index(index="logs", document={"message": "hello from Python, 你好", "level": "info"})`;

const gelf = ({ isSecure, hostname, port, path, key }) => {
  const name = isSecure ? "GelfHttpsHandler" : "GelfHttpHandler";
  return `# pip install pygelf
import logging
from pygelf import ${name}

path = ${quoted(`${path}/k/${key}/gelf`)}
handler = ${name}(host=${quoted(hostname)}, port=${port}, path=path, include_extra_fields=True)
logging.basicConfig(level=logging.INFO, handlers=[handler])
logging.info("hello from Python, 你好")`;
};

const httpHandler = ({ isSecure, host, path, key }) => `import logging.handlers

handler = logging.handlers.HTTPHandler(
    ${quoted(host)}, "${path}/log", "POST", secure=${isSecure ? "True" : "False"}, credentials=("redlog", ${quoted(key)})
)
logging.basicConfig(level=logging.INFO, handlers=[handler])
logging.info("hello from Python, 你好")`;

const loganWeb = ({ below }) => `// npm install logan-web
import Logan from "logan-web";

Logan.initConfig({ reportUrl: ${quoted(`${below}/logan/web/upload.json`)} });
Logan.log("hello from a page, 你好", 1);

const today = new Date().toLocaleDateString("sv"); // 2026-11-20
Logan.report({ deviceId: "d-1", fromDayString: today, toDayString: today, incrementalReport: true });`;

const loganAndroid = ({ below }) => `SendLogDefaultRunnable runnable = new SendLogDefaultRunnable();
runnable.setUrl(${quoted(`${below}/logan/upload.json`)});
Map<String, String> headers = new HashMap<>();
headers.put("deviceId", "d-1");
headers.put("platform", "1");
runnable.setRequestHeader(headers);
Logan.s(new String[] {"2026-11-20"}, runnable);`;

/** All of them: `text` makes the lines of `valuesOf`. `signs`: they can sign reports; `page`: they
 * run in a page, whose browser says where it is from.
 */
export const CLIENTS = [
  { name: "curl", title: "curl", text: curl, signs: true },
  { name: "redlog-javascript", title: "Browser: RedLog's SDK", text: redlogJavascript, page: true },
  { name: "javascript", title: "Browser: fetch", text: javascript, page: true },
  { name: "redlog-python", title: "Python: RedLog's handler", text: redlogPython },
  { name: "python", title: "Python: urllib", text: python, signs: true },
  { name: "http-handler", title: "Python: HTTPHandler", text: httpHandler },
  { name: "sentry-javascript", title: "Sentry: JavaScript", text: sentryJavascript, page: true },
  { name: "sentry-python", title: "Sentry: Python", text: sentryPython },
  { name: "sentry-android", title: "Sentry: Android", text: sentryAndroid },
  { name: "sentry-ios", title: "Sentry: iOS", text: sentryIos },
  { name: "sentry-flutter", title: "Sentry: Flutter", text: sentryFlutter },
  { name: "sentry-unity", title: "Sentry: Unity", text: sentryUnity },
  { name: "otel-environment", title: "OpenTelemetry: environment", text: otelEnvironment },
  { name: "otel-java", title: "OpenTelemetry: Java, Android", text: otelJava },
  { name: "otel-swift", title: "OpenTelemetry: Swift", text: otelSwift },
  { name: "loki", title: "Loki: Promtail, Alloy", text: lokiAgents },
  { name: "pino-loki", title: "Loki: pino-loki", text: lokiPino },
  { name: "elasticsearch", title: "Elasticsearch: Python", text: elasticsearch },
  { name: "gelf", title: "GELF: pygelf", text: gelf },
  { name: "logan-web", title: "Logan: web", text: loganWeb, page: true },
  { name: "logan-android", title: "Logan: Android", text: loganAndroid },
];
