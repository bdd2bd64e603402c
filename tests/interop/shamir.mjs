// Splits and combines with npm `shamir-secret-sharing`.
// In:  {split: [{secret, n, k}], combine: [[share]]}
// Out: {split: [[share]], combined: [secret]}
import { combine, split } from "shamir-secret-sharing";
import { fromHex, request, respond, toHex } from "./io.mjs";

const batch = request();
const shares = [];
for (const { secret, n, k } of batch.split) {
  shares.push((await split(fromHex(secret), n, k)).map(toHex));
}
const combined = [];
for (const set of batch.combine) combined.push(toHex(await combine(set.map(fromHex))));
respond({ split: shares, combined });
