using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Protocol;

public sealed partial class GetClusterIdentityRequest : IPdRequest;

public sealed partial class GetClusterIdentityResponse : IPdResponse;

public sealed partial class GetPrevRegionRequest : IPdRequest;

public sealed partial class GetStoreStatusRequest : IPdRequest;

public sealed partial class GetStoreStatusResponse : IPdResponse;

public sealed partial class RemoveStoreRequest : IPdRequest;

public sealed partial class RemoveStoreResponse : IPdResponse;

public sealed partial class CancelStoreRemovalRequest : IPdRequest;

public sealed partial class CancelStoreRemovalResponse : IPdResponse;

public sealed partial class RegionBeatsRequest : IPdRequest;

public sealed partial class RegionBeatsResponse : IPdResponse;

public sealed partial class CreateKeyspaceRequest : IPdRequest;

public sealed partial class CreateKeyspaceResponse : IPdResponse;
