// A reset against the single binary with clients that are generated from its OpenAPI
// documents. Reads the code of the SMS from standard input, as a person would type it.
//
//   REKEY_PUBLIC_URL, REKEY_MANAGEMENT_URL, REKEY_TOKEN; node out/reset.js
import { createInterface } from "node:readline/promises";
import createClient from "openapi-fetch";
import type { paths as ManagementPaths } from "./management.js";
import type { paths as PublicPaths } from "./public.js";

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set`);
  return value;
}

/** done returns the data of an answer, or throws the server's refusal. */
function done<T>(call: string, answer: { data?: T; error?: unknown; response: Response }): T | undefined {
  if (!answer.response.ok) throw new Error(`${call}: ${answer.response.status} ${JSON.stringify(answer.error)}`);
  return answer.data;
}

const person = createClient<PublicPaths>({ baseUrl: setting("REKEY_PUBLIC_URL") });
const backend = createClient<ManagementPaths>({
  baseUrl: setting("REKEY_MANAGEMENT_URL"),
  headers: { Authorization: `Bearer ${setting("REKEY_TOKEN")}` },
});

const mobile = "13800138000";
const headers = {
  "X-operating-sys-version": "Android 10",
  "X-device-fingerprint": "156aysdna213sac",
  "X-device-ip": "10.10.10.1",
  "X-agent": "Mozilla/5.0",
  "X-L": "en",
  "X-client-id": "shop",
};

done("createClient", await backend.POST("/v1/clients", { body: { id: "shop", name: "Shop" } }));
const user = done(
  "createUser",
  await backend.POST("/v1/users", { body: { id: "u1", mobile, password: "violet-Harbor-93", verified: true } }),
);
if (user?.id !== "u1") throw new Error(`the user is ${JSON.stringify(user)}`);

done(
  "sendVerifyCode",
  await person.POST("/api/v2/sdk/sms/send", { params: { header: headers }, body: { mobile, type: "FORGET_PWD_SMS" } }),
);
console.log("code?");
const code = await createInterface({ input: process.stdin }).question("");
const password = "marble-Lantern-58";
done(
  "updatePasswordByMobile",
  await person.POST("/api/v2/sdk/pwd/update-by-mobile", {
    params: { header: headers },
    body: { mobile, verify_code: code, password },
  }),
);

const address = "203.0.113.7";
const checked = done("checkPassword", await backend.POST("/v1/passwords/check", { body: { mobile, password, address } }));
if (checked?.id !== "u1") throw new Error(`the new password belongs to ${JSON.stringify(checked)}`);
const old = await backend.POST("/v1/passwords/check", { body: { mobile, password: "violet-Harbor-93", address } });
if (old.error?.code !== "wrong_credentials") throw new Error(`the old password: ${JSON.stringify(old.error)}`);
done("eraseUser", await backend.DELETE("/v1/users/{id}", { params: { path: { id: "u1" } } }));
console.log("reset and erased");
process.exit(0);
