// Opens and seals age files with npm `age-encryption`.
// In:  {open: [{identity, file}], seal: [{recipients, plaintext}]}
// Out: {opened: [plaintext], sealed: [file], generated: [{identity, recipient}]}
import { Decrypter, Encrypter, generateHybridIdentity, identityToRecipient } from "age-encryption";
import { fromJson, request, respond, toJson } from "./io.mjs";

const { open, seal } = request();

const opened = [];
for (const { identity, file } of open) {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  opened.push(toJson(await decrypter.decrypt(fromJson(file))));
}

const sealed = [];
for (const { recipients, plaintext } of seal) {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  sealed.push(toJson(await encrypter.encrypt(fromJson(plaintext))));
}

const generated = [];
for (let i = 0; i < 3; i++) {
  const identity = await generateHybridIdentity();
  generated.push({ identity, recipient: await identityToRecipient(identity) });
}

respond({ opened, sealed, generated });
