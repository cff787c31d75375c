import { JL } from "jsnlog";

export async function run({ url, name, message }) {
    const appender = JL.createAjaxAppender("server");
    appender.setOptions({ url, sendTimeout: 500, batchSize: 3, batchTimeout: 50 });
    JL().setOptions({ appenders: [appender] });
    JL(name).warn(message);
    JL(name).info({ order: 7, paid: true });
    JL(name).fatalException("payment failed", new TypeError("no card"));
}
