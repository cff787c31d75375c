import Logan from "logan-web";

// A report for each message, with two logs, of which the second is encrypted; for "" with none.
export async function run({ reportUrl, publicKey, deviceId, messages }) {
    let saved, failed;
    const succHandler = () => saved();
    const errorHandler = (error) => failed(error);
    Logan.initConfig({ reportUrl, publicKey, succHandler, errorHandler });
    const day = new Date();
    const today = [day.getFullYear(), day.getMonth() + 1, day.getDate()]
        .map((part) => String(part).padStart(2, "0"))
        .join("-");
    const told = [];
    for (const message of messages) {
        if (message) {
            const plain = () => Logan.log(message, 2);
            const secret = () => Logan.logWithEncryption(`${message}, in secret`, 3);
            for (const log of publicKey ? [plain, secret] : [plain]) {
                await new Promise((done, fail) => {
                    [saved, failed] = [done, fail];
                    log();
                });
            }
        }
        const answer = await Logan.report({
            deviceId,
            webSource: "shop",
            environment: "prod",
            customInfo: JSON.stringify({ order: 7 }),
            fromDayString: today,
            toDayString: today,
            incrementalReport: true,
        });
        told.push(answer[today].msg);
    }
    return told;
}
