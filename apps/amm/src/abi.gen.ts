// Written by web/build.mjs from contracts/artifacts. Do not edit.

export const poolAbi = [
 {
  "type": "function",
  "name": "ANCHOR_PERIOD_SECONDS",
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
  "name": "TOKEN0",
  "inputs": [],
  "outputs": [
   {
    "name": "",
    "type": "address"
   }
  ],
  "stateMutability": "view"
 },
 {
  "type": "function",
  "name": "TOKEN1",
  "inputs": [],
  "outputs": [
   {
    "name": "",
    "type": "address"
   }
  ],
  "stateMutability": "view"
 },
 {
  "type": "function",
  "name": "anchorOf",
  "inputs": [
   {
    "name": "period",
    "type": "uint32"
   }
  ],
  "outputs": [
   {
    "name": "",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view"
 },
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
  "name": "feeInput",
  "inputs": [
   {
    "name": "trader",
    "type": "address"
   },
   {
    "name": "period",
    "type": "uint32"
   },
   {
    "name": "proof",
    "type": "bytes"
   }
  ],
  "outputs": [
   {
    "name": "",
    "type": "bytes"
   }
  ],
  "stateMutability": "view"
 },
 {
  "type": "function",
  "name": "feeOf",
  "inputs": [
   {
    "name": "trader",
    "type": "address"
   }
  ],
  "outputs": [
   {
    "name": "feeMillionths",
    "type": "uint24"
   }
  ],
  "stateMutability": "view"
 },
 {
  "type": "function",
  "name": "latestPeriod",
  "inputs": [],
  "outputs": [
   {
    "name": "",
    "type": "uint32"
   }
  ],
  "stateMutability": "view"
 },
 {
  "type": "function",
  "name": "oldestPeriod",
  "inputs": [],
  "outputs": [
   {
    "name": "",
    "type": "uint32"
   }
  ],
  "stateMutability": "view"
 },
 {
  "type": "function",
  "name": "quote",
  "inputs": [
   {
    "name": "tokenIn",
    "type": "address"
   },
   {
    "name": "amountIn",
    "type": "uint256"
   },
   {
    "name": "feeMillionths",
    "type": "uint24"
   }
  ],
  "outputs": [
   {
    "name": "amountOut",
    "type": "uint256"
   }
  ],
  "stateMutability": "view"
 },
 {
  "type": "function",
  "name": "refreshTier",
  "inputs": [
   {
    "name": "period",
    "type": "uint32"
   },
   {
    "name": "proof",
    "type": "bytes"
   },
   {
    "name": "maxCycles",
    "type": "uint64"
   }
  ],
  "outputs": [
   {
    "name": "jobId",
    "type": "bytes32"
   }
  ],
  "stateMutability": "payable"
 },
 {
  "type": "function",
  "name": "reserves",
  "inputs": [],
  "outputs": [
   {
    "name": "reserve0",
    "type": "uint256"
   },
   {
    "name": "reserve1",
    "type": "uint256"
   }
  ],
  "stateMutability": "view"
 },
 {
  "type": "function",
  "name": "swap",
  "inputs": [
   {
    "name": "order",
    "type": "tuple",
    "components": [
     {
      "name": "tokenIn",
      "type": "address"
     },
     {
      "name": "amountIn",
      "type": "uint256"
     },
     {
      "name": "minAmountOut",
      "type": "uint256"
     },
     {
      "name": "recipient",
      "type": "address"
     },
     {
      "name": "deadline",
      "type": "uint64"
     }
    ]
   }
  ],
  "outputs": [
   {
    "name": "amountOut",
    "type": "uint256"
   }
  ],
  "stateMutability": "nonpayable"
 },
 {
  "type": "function",
  "name": "swapWithProof",
  "inputs": [
   {
    "name": "order",
    "type": "tuple",
    "components": [
     {
      "name": "tokenIn",
      "type": "address"
     },
     {
      "name": "amountIn",
      "type": "uint256"
     },
     {
      "name": "minAmountOut",
      "type": "uint256"
     },
     {
      "name": "recipient",
      "type": "address"
     },
     {
      "name": "deadline",
      "type": "uint64"
     }
    ]
   },
   {
    "name": "period",
    "type": "uint32"
   },
   {
    "name": "proof",
    "type": "bytes"
   }
  ],
  "outputs": [
   {
    "name": "amountOut",
    "type": "uint256"
   }
  ],
  "stateMutability": "nonpayable"
 },
 {
  "type": "function",
  "name": "tiers",
  "inputs": [],
  "outputs": [
   {
    "name": "",
    "type": "tuple[4]",
    "components": [
     {
      "name": "minVolume",
      "type": "uint128"
     },
     {
      "name": "feeMillionths",
      "type": "uint24"
     }
    ]
   }
  ],
  "stateMutability": "view"
 },
 {
  "type": "function",
  "name": "totalSupply",
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
  "name": "traderOf",
  "inputs": [
   {
    "name": "trader",
    "type": "address"
   }
  ],
  "outputs": [
   {
    "name": "",
    "type": "tuple",
    "components": [
     {
      "name": "volume",
      "type": "uint128"
     },
     {
      "name": "tierFeeMillionths",
      "type": "uint24"
     },
     {
      "name": "tierUntil",
      "type": "uint64"
     }
    ]
   }
  ],
  "stateMutability": "view"
 },
 {
  "type": "error",
  "name": "AmountTooLow",
  "inputs": [
   {
    "name": "got",
    "type": "uint256"
   },
   {
    "name": "expected",
    "type": "uint256"
   }
  ]
 },
 {
  "type": "error",
  "name": "AmountZero",
  "inputs": []
 },
 {
  "type": "error",
  "name": "AnchorTooOld",
  "inputs": [
   {
    "name": "got",
    "type": "uint32"
   },
   {
    "name": "oldest",
    "type": "uint32"
   }
  ]
 },
 {
  "type": "error",
  "name": "ConfigurationInvalid",
  "inputs": [
   {
    "name": "what",
    "type": "string"
   }
  ]
 },
 {
  "type": "error",
  "name": "DeadlinePassed",
  "inputs": [
   {
    "name": "timestamp",
    "type": "uint256"
   },
   {
    "name": "deadline",
    "type": "uint64"
   }
  ]
 },
 {
  "type": "error",
  "name": "ERC20InsufficientAllowance",
  "inputs": [
   {
    "name": "spender",
    "type": "address"
   },
   {
    "name": "allowance",
    "type": "uint256"
   },
   {
    "name": "needed",
    "type": "uint256"
   }
  ]
 },
 {
  "type": "error",
  "name": "ERC20InsufficientBalance",
  "inputs": [
   {
    "name": "sender",
    "type": "address"
   },
   {
    "name": "balance",
    "type": "uint256"
   },
   {
    "name": "needed",
    "type": "uint256"
   }
  ]
 },
 {
  "type": "error",
  "name": "ERC20InvalidApprover",
  "inputs": [
   {
    "name": "approver",
    "type": "address"
   }
  ]
 },
 {
  "type": "error",
  "name": "ERC20InvalidReceiver",
  "inputs": [
   {
    "name": "receiver",
    "type": "address"
   }
  ]
 },
 {
  "type": "error",
  "name": "ERC20InvalidSender",
  "inputs": [
   {
    "name": "sender",
    "type": "address"
   }
  ]
 },
 {
  "type": "error",
  "name": "ERC20InvalidSpender",
  "inputs": [
   {
    "name": "spender",
    "type": "address"
   }
  ]
 },
 {
  "type": "error",
  "name": "FeeOutOfBounds",
  "inputs": [
   {
    "name": "got",
    "type": "uint256"
   },
   {
    "name": "least",
    "type": "uint24"
   },
   {
    "name": "most",
    "type": "uint24"
   }
  ]
 },
 {
  "type": "error",
  "name": "FeeProofRejected",
  "inputs": [
   {
    "name": "message",
    "type": "bytes"
   }
  ]
 },
 {
  "type": "error",
  "name": "NotJobManager",
  "inputs": [
   {
    "name": "got",
    "type": "address"
   },
   {
    "name": "expected",
    "type": "address"
   }
  ]
 },
 {
  "type": "error",
  "name": "ReentrancyGuardReentrantCall",
  "inputs": []
 },
 {
  "type": "error",
  "name": "ReserveTooLarge",
  "inputs": [
   {
    "name": "got",
    "type": "uint256"
   },
   {
    "name": "limit",
    "type": "uint256"
   }
  ]
 },
 {
  "type": "error",
  "name": "SafeERC20FailedOperation",
  "inputs": [
   {
    "name": "token",
    "type": "address"
   }
  ]
 },
 {
  "type": "error",
  "name": "TokenShortfall",
  "inputs": [
   {
    "name": "token",
    "type": "address"
   },
   {
    "name": "got",
    "type": "uint256"
   },
   {
    "name": "expected",
    "type": "uint256"
   }
  ]
 },
 {
  "type": "error",
  "name": "UnknownAnchor",
  "inputs": [
   {
    "name": "period",
    "type": "uint32"
   }
  ]
 },
 {
  "type": "error",
  "name": "UnknownToken",
  "inputs": [
   {
    "name": "token",
    "type": "address"
   }
  ]
 }
] as const;

export const jobManagerAbi = [
 {
  "type": "function",
  "name": "quote",
  "inputs": [
   {
    "name": "maxCycles",
    "type": "uint64"
   },
   {
    "name": "callbackGasLimit",
    "type": "uint64"
   }
  ],
  "outputs": [
   {
    "name": "feeWei",
    "type": "uint256"
   }
  ],
  "stateMutability": "view"
 },
 {
  "type": "error",
  "name": "CallbackGasTooHigh",
  "inputs": [
   {
    "name": "got",
    "type": "uint64"
   },
   {
    "name": "limit",
    "type": "uint64"
   }
  ]
 },
 {
  "type": "error",
  "name": "CommitmentMismatch",
  "inputs": [
   {
    "name": "jobId",
    "type": "bytes32"
   },
   {
    "name": "got",
    "type": "bytes32"
   },
   {
    "name": "expected",
    "type": "bytes32"
   }
  ]
 },
 {
  "type": "error",
  "name": "DeadlineNotPassed",
  "inputs": [
   {
    "name": "got",
    "type": "uint256"
   },
   {
    "name": "expected",
    "type": "uint256"
   }
  ]
 },
 {
  "type": "error",
  "name": "DeadlineTooFar",
  "inputs": [
   {
    "name": "got",
    "type": "uint64"
   },
   {
    "name": "latest",
    "type": "uint256"
   }
  ]
 },
 {
  "type": "error",
  "name": "DeadlineTooSoon",
  "inputs": [
   {
    "name": "got",
    "type": "uint64"
   },
   {
    "name": "currentBlock",
    "type": "uint256"
   }
  ]
 },
 {
  "type": "error",
  "name": "DeliveryFailed",
  "inputs": [
   {
    "name": "jobId",
    "type": "bytes32"
   }
  ]
 },
 {
  "type": "error",
  "name": "ExecutionOutOfGas",
  "inputs": []
 },
 {
  "type": "error",
  "name": "ExecutorMissing",
  "inputs": [
   {
    "name": "executor",
    "type": "address"
   }
  ]
 },
 {
  "type": "error",
  "name": "InputTooLarge",
  "inputs": [
   {
    "name": "got",
    "type": "uint256"
   },
   {
    "name": "limit",
    "type": "uint256"
   }
  ]
 },
 {
  "type": "error",
  "name": "InsufficientCallbackGas",
  "inputs": [
   {
    "name": "got",
    "type": "uint256"
   },
   {
    "name": "expected",
    "type": "uint256"
   }
  ]
 },
 {
  "type": "error",
  "name": "InsufficientFunds",
  "inputs": [
   {
    "name": "got",
    "type": "uint256"
   },
   {
    "name": "expected",
    "type": "uint256"
   }
  ]
 },
 {
  "type": "error",
  "name": "MaxCyclesTooHigh",
  "inputs": [
   {
    "name": "got",
    "type": "uint64"
   },
   {
    "name": "limit",
    "type": "uint64"
   }
  ]
 },
 {
  "type": "error",
  "name": "MaxCyclesZero",
  "inputs": []
 },
 {
  "type": "error",
  "name": "NoOutcome",
  "inputs": [
   {
    "name": "programId",
    "type": "bytes32"
   },
   {
    "name": "reason",
    "type": "uint8"
   }
  ]
 },
 {
  "type": "error",
  "name": "NotConsumer",
  "inputs": [
   {
    "name": "got",
    "type": "address"
   },
   {
    "name": "expected",
    "type": "address"
   }
  ]
 },
 {
  "type": "error",
  "name": "NotProposer",
  "inputs": [
   {
    "name": "got",
    "type": "address"
   },
   {
    "name": "expected",
    "type": "address"
   }
  ]
 },
 {
  "type": "error",
  "name": "NumberNotNext",
  "inputs": [
   {
    "name": "got",
    "type": "uint64"
   },
   {
    "name": "expected",
    "type": "uint64"
   }
  ]
 },
 {
  "type": "error",
  "name": "NumberTooLarge",
  "inputs": [
   {
    "name": "got",
    "type": "uint64"
   },
   {
    "name": "max",
    "type": "uint64"
   }
  ]
 },
 {
  "type": "error",
  "name": "NumberUsed",
  "inputs": [
   {
    "name": "got",
    "type": "uint64"
   }
  ]
 },
 {
  "type": "error",
  "name": "ReentrancyGuardReentrantCall",
  "inputs": []
 },
 {
  "type": "error",
  "name": "SyncBudgetExceeded",
  "inputs": [
   {
    "name": "got",
    "type": "uint64"
   },
   {
    "name": "left",
    "type": "uint64"
   }
  ]
 },
 {
  "type": "error",
  "name": "TransferFailed",
  "inputs": [
   {
    "name": "to",
    "type": "address"
   },
   {
    "name": "amountWei",
    "type": "uint256"
   }
  ]
 },
 {
  "type": "error",
  "name": "UnknownProgram",
  "inputs": [
   {
    "name": "programId",
    "type": "bytes32"
   }
  ]
 },
 {
  "type": "error",
  "name": "WrongJobState",
  "inputs": [
   {
    "name": "jobId",
    "type": "bytes32"
   },
   {
    "name": "got",
    "type": "uint8"
   },
   {
    "name": "expected",
    "type": "uint8"
   }
  ]
 }
] as const;

export const tokenAbi = [
 {
  "type": "function",
  "name": "allowance",
  "inputs": [
   {
    "name": "owner",
    "type": "address"
   },
   {
    "name": "spender",
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
  "name": "approve",
  "inputs": [
   {
    "name": "spender",
    "type": "address"
   },
   {
    "name": "value",
    "type": "uint256"
   }
  ],
  "outputs": [
   {
    "name": "",
    "type": "bool"
   }
  ],
  "stateMutability": "nonpayable"
 },
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
  "name": "decimals",
  "inputs": [],
  "outputs": [
   {
    "name": "",
    "type": "uint8"
   }
  ],
  "stateMutability": "view"
 },
 {
  "type": "function",
  "name": "symbol",
  "inputs": [],
  "outputs": [
   {
    "name": "",
    "type": "string"
   }
  ],
  "stateMutability": "view"
 },
 {
  "type": "error",
  "name": "ERC20InsufficientAllowance",
  "inputs": [
   {
    "name": "spender",
    "type": "address"
   },
   {
    "name": "allowance",
    "type": "uint256"
   },
   {
    "name": "needed",
    "type": "uint256"
   }
  ]
 },
 {
  "type": "error",
  "name": "ERC20InsufficientBalance",
  "inputs": [
   {
    "name": "sender",
    "type": "address"
   },
   {
    "name": "balance",
    "type": "uint256"
   },
   {
    "name": "needed",
    "type": "uint256"
   }
  ]
 },
 {
  "type": "error",
  "name": "ERC20InvalidApprover",
  "inputs": [
   {
    "name": "approver",
    "type": "address"
   }
  ]
 },
 {
  "type": "error",
  "name": "ERC20InvalidReceiver",
  "inputs": [
   {
    "name": "receiver",
    "type": "address"
   }
  ]
 },
 {
  "type": "error",
  "name": "ERC20InvalidSender",
  "inputs": [
   {
    "name": "sender",
    "type": "address"
   }
  ]
 },
 {
  "type": "error",
  "name": "ERC20InvalidSpender",
  "inputs": [
   {
    "name": "spender",
    "type": "address"
   }
  ]
 }
] as const;
