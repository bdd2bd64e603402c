// Hands over the C2SP vectors of age, which npm `cctv-age` carries, as {name: base64}.
import * as vectors from "cctv-age";
import { respond, toJson } from "./io.mjs";

respond(Object.fromEntries(Object.entries(vectors).map(([name, data]) => [name, toJson(data)])));
