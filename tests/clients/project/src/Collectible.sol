// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ERC721, ERC721URIStorage} from "@openzeppelin/contracts/token/ERC721/extensions/ERC721URIStorage.sol";

/// An ERC-721 that anyone may mint.
contract Collectible is ERC721URIStorage {
    uint256 private nextId = 1;

    constructor() ERC721("Collectible", "CLT") {}

    function mint(address to, string calldata uri) external returns (uint256 id) {
        id = nextId++;
        _safeMint(to, id);
        _setTokenURI(id, uri);
    }
}
