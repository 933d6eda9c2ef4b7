using TiKvActors.Protocol.Pdpb;

namespace TiKvActors.Protocol;

public sealed partial class GetClusterIdentityRequest : IPdRequest;

public sealed partial class GetClusterIdentityResponse : IPdResponse;

public sealed partial class GetPrevRegionRequest : IPdRequest;
