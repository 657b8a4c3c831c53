/** The plain client, for end-to-end tests that talk to a server themselves. */
export { Redis } from "ioredis";
