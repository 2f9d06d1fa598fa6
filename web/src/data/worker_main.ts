/** What runs in the worker; the build puts it into the page as text. */

import { serve } from "./worker";

// a timer of a timer waits some milliseconds, a message waits for those alone that came before it
const { port1, port2 } = new MessageChannel();
let next = () => {};
port1.onmessage = () => next();

serve(self as unknown as Parameters<typeof serve>[0], (then) => {
  next = then;
  port2.postMessage(null);
});
