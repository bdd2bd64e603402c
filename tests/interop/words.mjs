// Derives the keys of receipt words with Node's own HKDF and Ed25519, and npm `age-encryption`.
// In:  [{entropy, roster}]
// Out: [{sign, public, mailbox, recipient, left, draw}]
import { createPrivateKey, createPublicKey, hkdfSync } from "node:crypto";
import { bech32 } from "@scure/base";
import { identityToRecipient } from "age-encryption";
import { fromHex, request, respond, toHex } from "./io.mjs";

const PKCS8_ED25519 = fromHex("302e020100300506032b657004220420");

const derive = (entropy, label, suffix = new Uint8Array()) => {
  const info = Buffer.concat([Buffer.from(`dengwen/words/v1 ${label}`), suffix]);
  return new Uint8Array(hkdfSync("sha256", entropy, new Uint8Array(), info, 32));
};

const publicKey = (seed) => {
  const der = Buffer.concat([PKCS8_ED25519, seed]);
  const key = createPublicKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
  return key.export({ format: "der", type: "spki" }).subarray(-32);
};

const answers = [];
for (const { entropy, roster } of request()) {
  const bytes = fromHex(entropy);
  const mailbox = derive(bytes, "mailbox");
  const identity = bech32.encodeFromBytes("age-secret-key-pq-", mailbox, false).toUpperCase();
  answers.push({
    sign: toHex(derive(bytes, "sign")),
    public: toHex(publicKey(derive(bytes, "sign"))),
    mailbox: toHex(mailbox),
    recipient: await identityToRecipient(identity),
    left: toHex(derive(bytes, "left")),
    draw: toHex(derive(bytes, "draw", fromHex(roster))),
  });
}
respond(answers);
