using Akka.Event;
using Google.Protobuf;
using TiKvActors.Actors.Gateway;
using TiKvActors.Host.Check;
using TiKvActors.Protocol.Errors;
using TiKvActors.Protocol.Kvrpcpb;
using KeyRange = TiKvActors.Actors.KeyRange;
using MetaPeer = TiKvActors.Protocol.Metapb.Peer;
using Region = TiKvActors.Protocol.Metapb.Region;

namespace TiKvActors.Simulation.Stores;

/// <summary>
/// One raw command after the other, as real requests, each to the peer that the client believes to lead. Every try is an operation of its
/// own with a value of its own: one that is refused must never take effect, one without an answer may.
/// </summary>
internal sealed class StoreClient(StoreCluster cluster, int number)
{
    private readonly World _world = cluster.World;
    private readonly Dictionary<ulong, Region> _newer = [];
    private readonly Dictionary<ulong, MetaPeer> _leaders = [];
    private long _operations;
    private long _current;

    public int Completed { get; private set; }

    /// <summary>Keys that it still has to find out at the end of a run.</summary>
    public Queue<int> Audit { get; } = new();

    public bool IsIdle => _current == 0 && Audit.Count == 0;

    public void Start() => Think(2);

    private void Think(double timeouts) => _world.After(_world.Between(TimeSpan.Zero, cluster.Timeout * timeouts), Next);

    private void Next()
    {
        if (cluster.ClientsAreDone && Audit.Count == 0) return;
        if (!cluster.ClientsAreDone && _world.Now < cluster.QuietUntil)
        {
            _world.After(cluster.QuietUntil - _world.Now, () => Think(0.2));
            return;
        }

        var key = cluster.ClientsAreDone ? Audit.Peek() : _world.Random.Next(cluster.Keys.Count);
        if (RegionOf(key) is not { } region)
        {
            Think(0.5);
            return;
        }

        var operation = new Operation(
            ++_operations, $"client {number}, operation {_operations}", key, region) { IsAudit = cluster.ClientsAreDone };
        _current = operation.Number;
        Build(operation);
        Send(operation);
        _world.After(_world.Between(cluster.Timeout * 2, cluster.Timeout * 6), () => GiveUp(operation));
    }

    private sealed class Operation(long number, string name, int key, Region region)
    {
        public long Number => number;
        public string Name => name;
        public int Key => key;
        public Region Region => region;
        public IRegionRequest Request { get; set; } = null!;
        public List<StoreHistory.Item> Items { get; } = [];
        public bool IsAnswered { get; set; }

        /// <summary>Of the end of a run.</summary>
        public bool IsAudit { get; init; }
    }

    private Region? RegionOf(int key)
    {
        if (cluster.Pd.Regions.FindByKey(cluster.Keys.Region[key]) is not { } known) return null;
        var region = known.Region;
        if (!_leaders.ContainsKey(region.Id) && known.Leader is { } leader) _leaders[region.Id] = leader;
        if (_newer.TryGetValue(region.Id, out var newer) && KeyRange.Contains(newer, cluster.Keys.Region[key])
            && newer.RegionEpoch.Version + newer.RegionEpoch.ConfVer > region.RegionEpoch.Version + region.RegionEpoch.ConfVer)
                return newer;
        return region;
    }

    private bool IsIn(Region region, int key) => key < cluster.Keys.Count && KeyRange.Contains(region, cluster.Keys.Region[key]);

    // ---- requests

    private void Build(Operation operation)
    {
        var profile = cluster.Profile;
        var draw = cluster.ClientsAreDone ? 0 : _world.Random.NextDouble();
        if (draw < profile.GetShare) BuildGet(operation);
        else if (draw < profile.GetShare + 0.1) BuildScan(operation);
        else if (draw < profile.GetShare + 0.25) BuildSwap(operation);
        else if (draw < profile.GetShare + 0.3) BuildBatch(operation);
        else if (draw < profile.GetShare + 0.34) BuildDelete(operation);
        else if (draw < profile.GetShare + 0.36) BuildDeleteRange(operation);
        else BuildPut(operation);
    }

    private string NewValue(Operation operation) => $"{number}.{operation.Number}";

    private StoreHistory.Item Begin(Operation operation, int key, RegisterAction action, string? value = null, string? found = null)
    {
        var item = cluster.History.Begin(key, operation.Name, action, value, found);
        operation.Items.Add(item);
        return item;
    }

    private void BuildGet(Operation operation)
    {
        Begin(operation, operation.Key, RegisterAction.Read);
        operation.Request = new RawGetRequest { Key = cluster.Keys.Request[operation.Key], Cf = KeySpace.FamilyOf(operation.Key) };
    }

    private void BuildPut(Operation operation)
    {
        var value = NewValue(operation);
        Begin(operation, operation.Key, RegisterAction.Write, value);
        operation.Request = new RawPutRequest
        {
            Key = cluster.Keys.Request[operation.Key],
            Value = ByteString.CopyFromUtf8(value),
            Cf = KeySpace.FamilyOf(operation.Key)
        };
    }

    private void BuildDelete(Operation operation)
    {
        Begin(operation, operation.Key, RegisterAction.Write);
        operation.Request = new RawDeleteRequest { Key = cluster.Keys.Request[operation.Key], Cf = KeySpace.FamilyOf(operation.Key) };
    }

    private void BuildSwap(Operation operation)
    {
        var (value, expected) = (NewValue(operation), cluster.History.Recent(operation.Key));
        Begin(operation, operation.Key, RegisterAction.Swap, value, expected);
        operation.Request = new RawCASRequest
        {
            Key = cluster.Keys.Request[operation.Key],
            Cf = KeySpace.FamilyOf(operation.Key),
            Value = ByteString.CopyFromUtf8(value),
            PreviousNotExist = expected is null,
            PreviousValue = ByteString.CopyFromUtf8(expected ?? ""),
        };
    }

    private void BuildBatch(Operation operation)
    {
        var value = NewValue(operation);
        var request = new RawBatchPutRequest { Cf = KeySpace.FamilyOf(operation.Key) };
        foreach (var key in Enumerable.Range(operation.Key, 5).Where(k => IsIn(operation.Region, k) && KeySpace.FamilyOf(k) == request.Cf))
        {
            Begin(operation, key, RegisterAction.Write, $"{value}/{key}");
            request.Pairs.Add(new KvPair { Key = cluster.Keys.Request[key], Value = ByteString.CopyFromUtf8($"{value}/{key}") });
        }

        operation.Request = request;
    }

    private void BuildDeleteRange(Operation operation)
    {
        var (end, endKey) = EndOf(operation, _world.Random.Next(1, 5));
        var family = KeySpace.FamilyOf(operation.Key);
        foreach (var key in Enumerable.Range(operation.Key, end - operation.Key).Where(k => KeySpace.FamilyOf(k) == family))
            Begin(operation, key, RegisterAction.Write);
        operation.Request = new RawDeleteRangeRequest { StartKey = cluster.Keys.Request[operation.Key], EndKey = endKey, Cf = family };
    }

    private void BuildScan(Operation operation)
    {
        var (end, endKey) = EndOf(operation, _world.Random.Next(1, cluster.Keys.Count));
        var family = KeySpace.FamilyOf(operation.Key);
        var reverse = _world.Chance(0.3);
        foreach (var key in Enumerable.Range(operation.Key, end - operation.Key).Where(k => KeySpace.FamilyOf(k) == family))
            Begin(operation, key, RegisterAction.Read);
        var startKey = cluster.Keys.Request[operation.Key];
        operation.Request = new RawScanRequest
        {
            StartKey = reverse ? endKey : startKey,
            EndKey = reverse ? startKey : endKey,
            Reverse = reverse,
            Limit = (uint)_world.Random.Next(1, 8),
            Cf = family,
        };
    }

    /// <summary>The end of a range that begins with the operation's key, within its region.</summary>
    private (int End, ByteString Key) EndOf(Operation operation, int length)
    {
        var end = operation.Key + 1;
        while (end < operation.Key + length && IsIn(operation.Region, end)) end++;
        // Right behind the last key.
        return (end, cluster.Keys.Raw.ToRequestKey([.. cluster.Keys.Raw.ToUserKey(cluster.Keys.Request[end - 1]).Span, 0]));
    }

    private void Send(Operation operation)
    {
        var region = operation.Region;
        var peer = _leaders.TryGetValue(region.Id, out var leader) && region.Peers.Contains(leader) && !_world.Chance(0.05)
            ? leader : _world.Pick(region.Peers);
        operation.Request.Context = new Context
        {
            RegionId = region.Id,
            RegionEpoch = region.RegionEpoch,
            Peer = peer,
            ApiVersion = cluster.Mode
        };
        if (_world.IsTracing) _world.Trace($"{operation.Name} to store {peer.StoreId}: {operation.Request}");
        var store = cluster.Store(peer.StoreId);
        var responder = new Responder(this, operation);
        _world.After(cluster.Network.Latency(), () =>
        {
            if (store.IsUp)
                store.Handle(operation.Request, departsIn => new RequestScope(
                    responder.From(store), cluster.Mode, RequestScope.DefaultMaxResponseBytes, NoLogger.Instance));
        });
    }

    private sealed class Responder(StoreClient client, Operation operation) : IResponder
    {
        private SimStore _store = null!;

        public Responder From(SimStore store)
        {
            _store = store;
            return this;
        }

        public void Respond(IMessage response)
        {
            client.OnAnswered(operation, response);
            client._world.After(_store.DepartsIn + client.Latency, () => client.Receive(operation, (IRegionResponse)response));
        }
    }

    private TimeSpan Latency => cluster.Network.Latency();

    // ---- answers

    /// <summary>The answer leaves the store: what it promises holds from now on.</summary>
    private void OnAnswered(Operation operation, IMessage response)
    {
        cluster.Checker.Check(!operation.IsAnswered, () => $"{operation.Name} is answered twice");
        operation.IsAnswered = true;
        if (((IRegionResponse)response).RegionError is not { } error || error.Kind() == RegionErrorKind.UndeterminedResult) return;
        foreach (var item in operation.Items)
            if (item is { Action: not RegisterAction.Read, Value: { } value }) cluster.Checker.ObserveRefused(value);
    }

    private void Receive(Operation operation, IRegionResponse response)
    {
        if (_world.IsTracing) _world.Trace($"{operation.Name}: {response}");
        if (response.RegionError is { } error) OnError(operation, error);
        else OnSuccess(operation, response);
        if (_current != operation.Number) return;
        _current = 0;
        if (response.RegionError is null)
        {
            Completed++;
            if (operation.IsAudit) Audit.Dequeue();
            Think(cluster.Profile.ThinkTime);
        }
        else
        {
            Think(0.3);
        }
    }

    private void OnError(Operation operation, Protocol.Errorpb.Error error)
    {
        var kind = error.Kind();
        _world.Coverage.Count($"region error: {kind}");
        if (kind != RegionErrorKind.UndeterminedResult)
            foreach (var item in operation.Items) item.IsVoid = true;
        var region = operation.Region.Id;
        _leaders.Remove(region);
        if (error.NotLeader?.Leader is { } leader) _leaders[region] = leader;
        foreach (var current in error.EpochNotMatch?.CurrentRegions ?? []) _newer[current.Id] = current;
        if (kind == RegionErrorKind.RegionNotFound) _newer.Remove(region);
    }

    private void OnSuccess(Operation operation, IRegionResponse response)
    {
        cluster.Checker.Check(response is not IErrorTextResponse { Error.Length: > 0 }, () => $"{operation.Name} fails: {response}");
        _world.Coverage.Count("operations: " + operation.Request.Descriptor.Name);
        switch (response)
        {
            case RawGetResponse get:
                cluster.History.Complete(operation.Items[0], RegisterAction.Read, get.NotFound ? null : get.Value.ToStringUtf8());
                break;
            case RawCASResponse { Succeed: true } swap:
                _world.Coverage.Count("swaps that swapped");
                var previous = swap.PreviousNotExist ? null : swap.PreviousValue.ToStringUtf8();
                cluster.Checker.Check(
                    previous == operation.Items[0].Found,
                    () => $"{operation.Name} swapped {operation.Items[0].Found}, but says that it found {previous}");
                cluster.History.Complete(operation.Items[0], RegisterAction.Swap, previous);
                break;
            case RawCASResponse swap:
                cluster.Checker.ObserveRefused(operation.Items[0].Value!);
                cluster.History.Complete(
                    operation.Items[0], RegisterAction.Read, swap.PreviousNotExist ? null : swap.PreviousValue.ToStringUtf8());
                break;
            case RawScanResponse scan:
                OnScanned(operation, scan);
                break;
            default:
                foreach (var item in operation.Items) cluster.History.Complete(item, RegisterAction.Write, null);
                break;
        }
    }

    private void OnScanned(Operation operation, RawScanResponse scan)
    {
        var request = (RawScanRequest)operation.Request;
        var found = new Dictionary<int, string>();
        foreach (var pair in scan.Kvs)
        {
            cluster.Checker.Check(pair.Error is null, () => $"{operation.Name} fails: {pair.Error}");
            found.Add(cluster.Keys.IndexOf(pair.Key), pair.Value.ToStringUtf8());
        }

        cluster.Checker.Check(
            found.Keys.All(k => operation.Items.Exists(i => i.Key == k)),
            () => $"{operation.Name} found keys outside of its range: {scan}");
        var last = scan.Kvs.Count == request.Limit ? cluster.Keys.IndexOf(scan.Kvs[^1].Key) : -1;
        foreach (var item in operation.Items)
        {
            // A full page says nothing about what comes behind its last key.
            if (last >= 0 && (request.Reverse ? item.Key < last : item.Key > last)) item.IsVoid = true;
            else cluster.History.Complete(item, RegisterAction.Read, found.GetValueOrDefault(item.Key));
        }
    }

    private void GiveUp(Operation operation)
    {
        if (_current != operation.Number) return;
        _current = 0;
        _leaders.Remove(operation.Region.Id);
        _newer.Remove(operation.Region.Id);
        _world.Coverage.Count("operations without an answer");
        Think(0.5);
    }
}
