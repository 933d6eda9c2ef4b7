using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using Google.Protobuf;

namespace TiKvActors.Host.Grpc;

/// <summary>The compressions of messages that this server knows.</summary>
internal static class Compression
{
    public const string EncodingHeader = "grpc-encoding";
    public const string AcceptHeader = "grpc-accept-encoding";
    public const string Identity = "identity";
    public const string Gzip = "gzip";
    public const string Known = Identity + "," + Gzip;

    public static bool Accepts(string? acceptHeader, string encoding) =>
        acceptHeader?.Split(',', StringSplitOptions.TrimEntries).Contains(encoding, StringComparer.Ordinal) == true;

    /// <summary>Inflates into the parser: what is garbage once inflated, or above the limit, is noticed before it takes memory.</summary>
    /// <param name="maxBytes">Of the inflated message.</param>
    /// <exception cref="GrpcException">It is longer.</exception>
    /// <exception cref="InvalidDataException">The bytes are not gzip's.</exception>
    public static T ParseGzip<T>(MessageParser<T> parser, ReadOnlySequence<byte> bytes, int maxBytes)
        where T : IMessage<T>
    {
        using var inflated = new LimitedStream(
            new GZipStream(PipeReader.Create(bytes).AsStream(), CompressionMode.Decompress), maxBytes);
        return parser.ParseFrom(inflated);
    }

    public static ReadOnlyMemory<byte> ToGzip(IMessage message)
    {
        var bytes = new MemoryStream();
        using (var gzip = new GZipStream(bytes, CompressionLevel.Fastest, leaveOpen: true))
            message.WriteTo(gzip);
        return bytes.GetBuffer().AsMemory(0, (int)bytes.Length);
    }

    private sealed class LimitedStream(Stream inner, int maxBytes) : Stream
    {
        private long _read;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var read = inner.Read(buffer, offset, count);
            _read += read;
            return _read <= maxBytes ? read : throw MessageFrame.TooLarge(_read, maxBytes);
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
