import { Client } from "@elastic/elasticsearch";

export async function run({ node, key, session, messages }) {
    const client = new Client({ node, auth: { apiKey: key } });
    const { tagline } = await client.info();
    const documents = messages.map((message) => ({
        "@timestamp": new Date().toISOString(),
        message,
        log: { level: "warn", logger: "shop.pay" },
        service: { name: "shop", version: "2.1.0" },
        session: { id: session },
        error: { type: "TypeError", message: "no card", stack_trace: "TypeError: no card\n at pay" },
        order: 7,
    }));
    const dropped = [];
    try {
        const done = await client.helpers.bulk({
            datasource: documents,
            onDocument: () => ({ create: { _index: "logs" } }),
            onDrop: ({ status }) => dropped.push(status),
            wait: 100,
        });
        return { tagline, dropped, successful: done.successful, failed: done.failed };
    } catch (error) {
        return { tagline, dropped, refused: error.statusCode, type: error.body?.error?.type };
    }
}
