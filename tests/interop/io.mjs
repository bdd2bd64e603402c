// What every script of this folder shares: one JSON value in, one JSON value out.
import { readFileSync } from "node:fs";

export const request = () => JSON.parse(readFileSync(0, "utf8"));
export const respond = (value) => process.stdout.write(JSON.stringify(value));
export const toJson = (bytes) => Buffer.from(bytes).toString("base64");
export const fromJson = (text) => new Uint8Array(Buffer.from(text, "base64"));
export const toHex = (bytes) => Buffer.from(bytes).toString("hex");
export const fromHex = (text) => new Uint8Array(Buffer.from(text, "hex"));
