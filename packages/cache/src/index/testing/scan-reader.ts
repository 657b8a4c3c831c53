/** A thread that looks in the rows of another one's scan until it hears something, and then posts what it should not have seen. For scan.test.ts. */
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from "node:worker_threads";
import { createScan, type SharedMemory } from "../scan.ts";
import { looker } from "./looker.ts";

const { memory, ...options } = workerData as { readonly memory: SharedMemory; readonly dimension: number; readonly maxRows: number };
const port = parentPort as MessagePort;
const look = looker(createScan({ ...options, reads: { memory, reader: 1 } }), options.dimension);
const wrong: string[] = [];
port.postMessage("ready");
do wrong.push(...look());
while (receiveMessageOnPort(port) === undefined);
port.postMessage(wrong);
