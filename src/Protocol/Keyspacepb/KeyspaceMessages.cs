using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Protocol.Keyspacepb;

public sealed partial class LoadKeyspaceRequest : IPdRequest;

public sealed partial class LoadKeyspaceByIDRequest : IPdRequest;

public sealed partial class LoadKeyspaceResponse : IPdResponse;

public sealed partial class UpdateKeyspaceStateRequest : IPdRequest;

public sealed partial class UpdateKeyspaceStateResponse : IPdResponse;

public sealed partial class GetAllKeyspacesRequest : IPdRequest;

public sealed partial class GetAllKeyspacesResponse : IPdResponse;
