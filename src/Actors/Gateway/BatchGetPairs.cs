using Google.Protobuf;
using Google.Protobuf.Collections;
using TiKvActors.Protocol.Kvrpcpb;

namespace TiKvActors.Actors.Gateway;

/// <summary>
/// The pairs of a batch get within what the caller can take. A value that does not fit becomes an error under its key, because a key that
/// is missing means that it has no value; for errors that do not fit either, the last values make room.
/// </summary>
internal sealed class BatchGetPairs(int maxBytes)
{
    // No sizes in it: a response may hold thousands of them.
    private const string DoesNotFit = "does not fit max_response_bytes";

    private readonly RepeatedField<KvPair> _pairs = [];
    private int _left = maxBytes;
    private bool _isFull;

    // Pairs before this one may still hold values that can make room.
    private int _lastValue;

    public void Add(ByteString key, ByteString value)
    {
        var bytes = BytesOf(key, value.Length);
        if (!_isFull && bytes <= _left)
        {
            _left -= bytes;
            _pairs.Add(new KvPair { Key = key, Value = value });
            _lastValue = _pairs.Count;
        }
        else
        {
            AddError(new KvPair { Key = key, Error = new KeyError { Retryable = DoesNotFit } });
        }
    }

    /// <summary>Of a part that was itself limited.</summary>
    public void Add(KvPair pair)
    {
        if (pair.Error is null)
            Add(pair.Key, pair.Value);
        else
            AddError(pair);
    }

    /// <summary>May still be too large, if the errors alone are.</summary>
    public RawBatchGetResponse ToResponse() => new() { Pairs = { _pairs } };

    private void AddError(KvPair pair)
    {
        _isFull = true;
        _left -= BytesOf(pair.Key, Math.Max(pair.Error.Retryable.Length, pair.Error.Abort.Length));
        _pairs.Add(pair);
        while (_left < 0 && _lastValue > 0)
        {
            var victim = _pairs[--_lastValue];
            var gain = victim.Value.Length - DoesNotFit.Length;
            if (victim.Error is not null || gain <= 0)
                continue;
            _left += gain;
            _pairs[_lastValue] = new KvPair { Key = victim.Key, Error = new KeyError { Retryable = DoesNotFit } };
        }
    }

    private static int BytesOf(ByteString key, int contentBytes) => key.Length + contentBytes + RequestScope.PairOverheadBytes;
}
