/** What runs in the worker; the build puts it into the page as text. */

import { serve } from "./worker";

serve(self as unknown as Parameters<typeof serve>[0]);
