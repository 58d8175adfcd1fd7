// Written by web/build.mjs from contracts/artifacts. Do not edit.

export const settlementAbi = [
 {
  "type": "function",
  "name": "balanceOf",
  "inputs": [
   {
    "name": "account",
    "type": "address"
   }
  ],
  "outputs": [
   {
    "name": "",
    "type": "uint256"
   }
  ],
  "stateMutability": "view"
 },
 {
  "type": "function",
  "name": "blockInfo",
  "inputs": [
   {
    "name": "blockHash",
    "type": "bytes32"
   }
  ],
  "outputs": [
   {
    "name": "",
    "type": "tuple",
    "components": [
     {
      "name": "state",
      "type": "uint8"
     },
     {
      "name": "proposer",
      "type": "address"
     },
     {
      "name": "number",
      "type": "uint64"
     },
     {
      "name": "timestamp",
      "type": "uint64"
     },
     {
      "name": "proposedAtBlock",
      "type": "uint64"
     },
     {
      "name": "claimsUnderDemand",
      "type": "uint32"
     },
     {
      "name": "openRefutes",
      "type": "uint32"
     },
     {
      "name": "pausedUntilBlock",
      "type": "uint64"
     }
    ]
   }
  ],
  "stateMutability": "view"
 },
 {
  "type": "function",
  "name": "burnedWei",
  "inputs": [],
  "outputs": [
   {
    "name": "",
    "type": "uint256"
   }
  ],
  "stateMutability": "view"
 },
 {
  "type": "function",
  "name": "parameters",
  "inputs": [],
  "outputs": [
   {
    "name": "",
    "type": "tuple",
    "components": [
     {
      "name": "challengePeriodBlocks",
      "type": "uint64"
     },
     {
      "name": "proverPeriodBlocks",
      "type": "uint64"
     },
     {
      "name": "proposerBondWei",
      "type": "uint128"
     },
     {
      "name": "refuteBondWei",
      "type": "uint128"
     },
     {
      "name": "demandBondWei",
      "type": "uint128"
     },
     {
      "name": "challengerShareBps",
      "type": "uint16"
     },
     {
      "name": "proverShareBps",
      "type": "uint16"
     },
     {
      "name": "proverShareOfBondBps",
      "type": "uint16"
     },
     {
      "name": "maxTimestampDriftSeconds",
      "type": "uint64"
     }
    ]
   }
  ],
  "stateMutability": "view"
 },
 {
  "type": "function",
  "name": "proposerInfo",
  "inputs": [
   {
    "name": "proposer",
    "type": "address"
   }
  ],
  "outputs": [
   {
    "name": "",
    "type": "tuple",
    "components": [
     {
      "name": "state",
      "type": "uint8"
     },
     {
      "name": "bondWei",
      "type": "uint256"
     },
     {
      "name": "lastNumber",
      "type": "uint64"
     },
     {
      "name": "lastProposedAtBlock",
      "type": "uint64"
     },
     {
      "name": "exitRequestedAtBlock",
      "type": "uint64"
     }
    ]
   }
  ],
  "stateMutability": "view"
 },
 {
  "type": "function",
  "name": "proposers",
  "inputs": [],
  "outputs": [
   {
    "name": "",
    "type": "address[]"
   }
  ],
  "stateMutability": "view"
 },
 {
  "type": "event",
  "name": "BlockFinalized",
  "inputs": [
   {
    "name": "number",
    "type": "uint64",
    "indexed": true
   },
   {
    "name": "hash",
    "type": "bytes32",
    "indexed": true
   }
  ]
 },
 {
  "type": "event",
  "name": "BlockInvalidated",
  "inputs": [
   {
    "name": "number",
    "type": "uint64",
    "indexed": true
   },
   {
    "name": "hash",
    "type": "bytes32",
    "indexed": true
   },
   {
    "name": "claimId",
    "type": "bytes32",
    "indexed": true
   }
  ]
 },
 {
  "type": "event",
  "name": "BlockProposed",
  "inputs": [
   {
    "name": "number",
    "type": "uint64",
    "indexed": true
   },
   {
    "name": "hash",
    "type": "bytes32",
    "indexed": true
   },
   {
    "name": "proposer",
    "type": "address",
    "indexed": true
   }
  ]
 },
 {
  "type": "event",
  "name": "Burned",
  "inputs": [
   {
    "name": "amountWei",
    "type": "uint256",
    "indexed": false
   }
  ]
 },
 {
  "type": "event",
  "name": "ChallengeClosed",
  "inputs": [
   {
    "name": "claimId",
    "type": "bytes32",
    "indexed": true
   },
   {
    "name": "challenger",
    "type": "address",
    "indexed": true
   },
   {
    "name": "kind",
    "type": "uint8",
    "indexed": false
   },
   {
    "name": "state",
    "type": "uint8",
    "indexed": false
   },
   {
    "name": "challengerWei",
    "type": "uint256",
    "indexed": false
   }
  ]
 },
 {
  "type": "event",
  "name": "ClaimChallenged",
  "inputs": [
   {
    "name": "claimId",
    "type": "bytes32",
    "indexed": true
   },
   {
    "name": "blockHash",
    "type": "bytes32",
    "indexed": true
   },
   {
    "name": "challenger",
    "type": "address",
    "indexed": true
   },
   {
    "name": "kind",
    "type": "uint8",
    "indexed": false
   },
   {
    "name": "deadlineBlock",
    "type": "uint64",
    "indexed": false
   },
   {
    "name": "transactionIndex",
    "type": "uint256",
    "indexed": false
   },
   {
    "name": "logIndex",
    "type": "uint256",
    "indexed": false
   },
   {
    "name": "jobId",
    "type": "bytes32",
    "indexed": false
   },
   {
    "name": "programId",
    "type": "bytes32",
    "indexed": false
   },
   {
    "name": "inputCommitment",
    "type": "bytes32",
    "indexed": false
   },
   {
    "name": "maxCycles",
    "type": "uint64",
    "indexed": false
   },
   {
    "name": "outcomeHash",
    "type": "bytes32",
    "indexed": false
   }
  ]
 },
 {
  "type": "event",
  "name": "ClaimDecided",
  "inputs": [
   {
    "name": "claimId",
    "type": "bytes32",
    "indexed": true
   },
   {
    "name": "blockHash",
    "type": "bytes32",
    "indexed": true
   },
   {
    "name": "prover",
    "type": "address",
    "indexed": true
   },
   {
    "name": "state",
    "type": "uint8",
    "indexed": false
   },
   {
    "name": "provenOutcomeHash",
    "type": "bytes32",
    "indexed": false
   }
  ]
 },
 {
  "type": "event",
  "name": "EquivocationReported",
  "inputs": [
   {
    "name": "proposer",
    "type": "address",
    "indexed": true
   },
   {
    "name": "reporter",
    "type": "address",
    "indexed": true
   },
   {
    "name": "number",
    "type": "uint64",
    "indexed": false
   },
   {
    "name": "hashA",
    "type": "bytes32",
    "indexed": false
   },
   {
    "name": "hashB",
    "type": "bytes32",
    "indexed": false
   }
  ]
 },
 {
  "type": "event",
  "name": "ExitRequested",
  "inputs": [
   {
    "name": "proposer",
    "type": "address",
    "indexed": true
   },
   {
    "name": "exitableAtBlock",
    "type": "uint64",
    "indexed": false
   }
  ]
 },
 {
  "type": "event",
  "name": "OwnershipTransferStarted",
  "inputs": [
   {
    "name": "previousOwner",
    "type": "address",
    "indexed": true
   },
   {
    "name": "newOwner",
    "type": "address",
    "indexed": true
   }
  ]
 },
 {
  "type": "event",
  "name": "OwnershipTransferred",
  "inputs": [
   {
    "name": "previousOwner",
    "type": "address",
    "indexed": true
   },
   {
    "name": "newOwner",
    "type": "address",
    "indexed": true
   }
  ]
 },
 {
  "type": "event",
  "name": "ProposerAllowed",
  "inputs": [
   {
    "name": "proposer",
    "type": "address",
    "indexed": true
   }
  ]
 },
 {
  "type": "event",
  "name": "ProposerBonded",
  "inputs": [
   {
    "name": "proposer",
    "type": "address",
    "indexed": true
   },
   {
    "name": "bondWei",
    "type": "uint256",
    "indexed": false
   }
  ]
 },
 {
  "type": "event",
  "name": "ProposerDisallowed",
  "inputs": [
   {
    "name": "proposer",
    "type": "address",
    "indexed": true
   }
  ]
 },
 {
  "type": "event",
  "name": "ProposerExited",
  "inputs": [
   {
    "name": "proposer",
    "type": "address",
    "indexed": true
   },
   {
    "name": "bondWei",
    "type": "uint256",
    "indexed": false
   }
  ]
 },
 {
  "type": "event",
  "name": "ProposerSlashed",
  "inputs": [
   {
    "name": "proposer",
    "type": "address",
    "indexed": true
   },
   {
    "name": "bondWei",
    "type": "uint256",
    "indexed": false
   },
   {
    "name": "challengerWei",
    "type": "uint256",
    "indexed": false
   },
   {
    "name": "proverWei",
    "type": "uint256",
    "indexed": false
   },
   {
    "name": "burnedWei",
    "type": "uint256",
    "indexed": false
   }
  ]
 },
 {
  "type": "event",
  "name": "Withdrawn",
  "inputs": [
   {
    "name": "account",
    "type": "address",
    "indexed": true
   },
   {
    "name": "to",
    "type": "address",
    "indexed": true
   },
   {
    "name": "amountWei",
    "type": "uint256",
    "indexed": false
   }
  ]
 }
] as const;

export const jobManagerAbi = [
 {
  "type": "event",
  "name": "ClaimPosted",
  "inputs": [
   {
    "name": "jobId",
    "type": "bytes32",
    "indexed": true
   },
   {
    "name": "programId",
    "type": "bytes32",
    "indexed": true
   },
   {
    "name": "inputCommitment",
    "type": "bytes32",
    "indexed": false
   },
   {
    "name": "maxCycles",
    "type": "uint64",
    "indexed": false
   },
   {
    "name": "outcomeHash",
    "type": "bytes32",
    "indexed": false
   },
   {
    "name": "cycles",
    "type": "uint64",
    "indexed": false
   }
  ]
 },
 {
  "type": "event",
  "name": "ConsumerWithoutCode",
  "inputs": [
   {
    "name": "jobId",
    "type": "bytes32",
    "indexed": true
   },
   {
    "name": "consumer",
    "type": "address",
    "indexed": true
   }
  ]
 },
 {
  "type": "event",
  "name": "Deposited",
  "inputs": [
   {
    "name": "account",
    "type": "address",
    "indexed": true
   },
   {
    "name": "from",
    "type": "address",
    "indexed": true
   },
   {
    "name": "amountWei",
    "type": "uint256",
    "indexed": false
   }
  ]
 },
 {
  "type": "event",
  "name": "EIP712DomainChanged",
  "inputs": []
 },
 {
  "type": "event",
  "name": "JobCancelled",
  "inputs": [
   {
    "name": "jobId",
    "type": "bytes32",
    "indexed": true
   },
   {
    "name": "refundWei",
    "type": "uint256",
    "indexed": false
   }
  ]
 },
 {
  "type": "event",
  "name": "JobDelivered",
  "inputs": [
   {
    "name": "jobId",
    "type": "bytes32",
    "indexed": true
   },
   {
    "name": "callbackOk",
    "type": "bool",
    "indexed": false
   }
  ]
 },
 {
  "type": "event",
  "name": "JobExecuted",
  "inputs": [
   {
    "name": "jobId",
    "type": "bytes32",
    "indexed": true
   },
   {
    "name": "consumer",
    "type": "address",
    "indexed": true
   },
   {
    "name": "programId",
    "type": "bytes32",
    "indexed": true
   },
   {
    "name": "nonce",
    "type": "uint64",
    "indexed": false
   },
   {
    "name": "maxCycles",
    "type": "uint64",
    "indexed": false
   },
   {
    "name": "status",
    "type": "uint8",
    "indexed": false
   },
   {
    "name": "input",
    "type": "bytes",
    "indexed": false
   },
   {
    "name": "output",
    "type": "bytes",
    "indexed": false
   }
  ]
 },
 {
  "type": "event",
  "name": "JobExpired",
  "inputs": [
   {
    "name": "jobId",
    "type": "bytes32",
    "indexed": true
   },
   {
    "name": "refundWei",
    "type": "uint256",
    "indexed": false
   },
   {
    "name": "hookOk",
    "type": "bool",
    "indexed": false
   }
  ]
 },
 {
  "type": "event",
  "name": "JobRequested",
  "inputs": [
   {
    "name": "jobId",
    "type": "bytes32",
    "indexed": true
   },
   {
    "name": "consumer",
    "type": "address",
    "indexed": true
   },
   {
    "name": "programId",
    "type": "bytes32",
    "indexed": true
   },
   {
    "name": "nonce",
    "type": "uint64",
    "indexed": false
   },
   {
    "name": "offchainInputHash",
    "type": "bytes32",
    "indexed": false
   },
   {
    "name": "maxCycles",
    "type": "uint64",
    "indexed": false
   },
   {
    "name": "callbackGasLimit",
    "type": "uint64",
    "indexed": false
   },
   {
    "name": "deadlineBlock",
    "type": "uint64",
    "indexed": false
   },
   {
    "name": "cyclePriceWei",
    "type": "uint64",
    "indexed": false
   },
   {
    "name": "onchainInput",
    "type": "bytes",
    "indexed": false
   }
  ]
 },
 {
  "type": "event",
  "name": "NumberRevoked",
  "inputs": [
   {
    "name": "consumer",
    "type": "address",
    "indexed": true
   },
   {
    "name": "number",
    "type": "uint64",
    "indexed": false
   },
   {
    "name": "ordered",
    "type": "bool",
    "indexed": false
   }
  ]
 },
 {
  "type": "event",
  "name": "OffchainResultSkipped",
  "inputs": [
   {
    "name": "consumer",
    "type": "address",
    "indexed": true
   },
   {
    "name": "nonce",
    "type": "uint64",
    "indexed": false
   },
   {
    "name": "fault",
    "type": "uint8",
    "indexed": false
   }
  ]
 },
 {
  "type": "event",
  "name": "ResultSkipped",
  "inputs": [
   {
    "name": "jobId",
    "type": "bytes32",
    "indexed": true
   },
   {
    "name": "reason",
    "type": "uint8",
    "indexed": false
   }
  ]
 },
 {
  "type": "event",
  "name": "SpendingApproved",
  "inputs": [
   {
    "name": "payer",
    "type": "address",
    "indexed": true
   },
   {
    "name": "consumer",
    "type": "address",
    "indexed": true
   },
   {
    "name": "amountWei",
    "type": "uint256",
    "indexed": false
   }
  ]
 },
 {
  "type": "event",
  "name": "Withdrawn",
  "inputs": [
   {
    "name": "account",
    "type": "address",
    "indexed": true
   },
   {
    "name": "to",
    "type": "address",
    "indexed": true
   },
   {
    "name": "amountWei",
    "type": "uint256",
    "indexed": false
   }
  ]
 }
] as const;
