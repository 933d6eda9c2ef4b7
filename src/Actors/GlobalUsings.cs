// "Peer" is the state machine in Regions/; the protocol's record of that name goes by another one in this project.
global using MetaPeer = TiKvActors.Protocol.Metapb.Peer;
