import { DiagLogLevel, diag } from "@opentelemetry/api";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";

export async function run({ url, key, session, messages, compression = "none" }) {
    const told = [];
    const note = (...words) => told.push(words.map(String).join(" "));
    diag.setLogger({ verbose: () => {}, debug: () => {}, info: note, warn: note, error: note }, DiagLogLevel.INFO);
    const exporter = new OTLPLogExporter({
        url,
        headers: { authorization: `Bearer ${key}` },
        compression,
        timeoutMillis: 20000,
    });
    const provider = new LoggerProvider({
        resource: resourceFromAttributes({
            "service.name": "shop",
            "service.version": "2.1.0",
            "session.id": session,
        }),
        processors: [new BatchLogRecordProcessor({ exporter, exportTimeoutMillis: 25000 })],
    });
    const logger = provider.getLogger("shop.pay");
    for (const body of messages) {
        const context = { order: 7, items: ["茶", 1], paid: true };
        logger.emit({ severityNumber: SeverityNumber.WARN, severityText: "WARN", body, attributes: context });
        logger.emit({
            severityNumber: SeverityNumber.ERROR,
            body: { what: "payment", failed: true },
            attributes: {
                "exception.type": "TypeError",
                "exception.message": "no card",
                "exception.stacktrace": "TypeError: no card\n    at pay",
            },
        });
        await provider.forceFlush().catch(note);
    }
    await provider.shutdown().catch(note);
    return told;
}
