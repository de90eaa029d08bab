// Asks an age server about photos: node estimate.js PHOTO...
//
// SERVER=localhost:50051   HOST:PORT
// CA=server.pem            certificates that vouch for it; plain text without
// TOKEN_FILE=till.token    our token
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const protoLoader = require("@grpc/proto-loader");

const PROTOS = path.join(__dirname, "..", "..");
const DEADLINE_MS = 5000; // what the till waits, retries included
const LARGEST_RETRIED = 32 * 2 ** 20; // grpc-js too retries no call that it could not keep

const definition = protoLoader.loadSync("checkout_age/v1/age_estimation.proto", {
  includeDirs: [PROTOS],
  enums: String,
  keepCase: true,
  oneofs: true,
});
const { AgeEstimationService } = grpc.loadPackageDefinition(definition).checkout_age.v1;
const serviceConfig = fs.readFileSync(
  path.join(PROTOS, "checkout_age", "client", "service_config.json"),
  "utf8",
);

function connect({ server, ca }) {
  const credentials = ca
    ? grpc.credentials.createSsl(fs.readFileSync(ca))
    : grpc.credentials.createInsecure();
  return new AgeEstimationService(server, credentials, {
    "grpc.service_config": serviceConfig,
    "grpc.per_rpc_retry_buffer_size": LARGEST_RETRIED,
    "grpc.enable_http_proxy": 0,
  });
}

function estimateAge(client, photo, metadata) {
  const deadline = Date.now() + DEADLINE_MS;
  return new Promise((resolve, reject) => {
    client.EstimateAge({ photo }, metadata, { deadline }, (error, answer) =>
      error ? reject(error) : resolve(answer),
    );
  });
}

async function main(photos) {
  const { SERVER = "127.0.0.1:50051", CA, TOKEN_FILE } = process.env;
  const client = connect({ server: SERVER, ca: CA });
  const metadata = new grpc.Metadata();
  if (TOKEN_FILE) {
    metadata.set("authorization", `Bearer ${fs.readFileSync(TOKEN_FILE, "utf8").trim()}`);
  }
  for (const file of photos) {
    try {
      const answer = await estimateAge(client, fs.readFileSync(file), metadata);
      if (answer.outcome === "estimate") {
        const { age, age_low, age_high, age_group } = answer.estimate;
        const years = [age, age_low, age_high].map((each) => each.toFixed(0));
        console.log(`${file}: ${age_group.label}: ${years[0]} (${years[1]} to ${years[2]})`);
      } else {
        console.log(`${file}: not scored: ${answer.problem.message}`);
      }
    } catch (error) {
      console.error(`${file}: ${grpc.status[error.code]}: ${error.details}`);
      process.exitCode = 1;
    }
  }
  client.close();
}

main(process.argv.slice(2));
