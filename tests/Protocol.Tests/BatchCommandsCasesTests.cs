using Google.Protobuf.Reflection;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Tikvpb;
using TiKvActors.Tests.Shared;

namespace TiKvActors.Protocol.Tests;

public class BatchCommandsCasesTests
{
    private static readonly Random Random = new(11);

    public static TheoryData<string> Cases => [.. BatchCommandsRequest.Types.Request.Descriptor.Oneofs[0].Fields.Select(f => f.Name)];

    [Theory, MemberData(nameof(Cases))]
    public void Every_case_wraps_and_unwraps(string name)
    {
        var request = Filled.Message(Case(BatchCommandsRequest.Types.Request.Descriptor, name).MessageType, Random);
        Assert.True(BatchCommandsCases.HasCase(request));
        Assert.Equal(name, BatchCommandsCases.ToRequest(request).CmdCase.ToString());
        Assert.Same(request, BatchCommandsCases.ToRequest(request).Message());

        var response = Filled.Message(Case(BatchCommandsResponse.Types.Response.Descriptor, name).MessageType, Random);
        Assert.Equal(name, BatchCommandsCases.ToResponse(response).CmdCase.ToString());
        Assert.Same(response, BatchCommandsCases.ToResponse(response).Message());
    }

    [Fact]
    public void What_has_no_case_is_refused_and_an_unknown_case_is_null()
    {
        Assert.False(BatchCommandsCases.HasCase(new RawCASRequest()));
        Assert.Throws<ArgumentException>(() => BatchCommandsCases.ToRequest(new RawCASRequest()));
        Assert.Throws<ArgumentException>(() => BatchCommandsCases.ToResponse(new RawCASResponse()));
        Assert.Null(BatchCommandsRequest.Types.Request.Parser.ParseFrom([0x0A, 0x00]).Message());   // Get, of transactions
        Assert.Null(new BatchCommandsResponse.Types.Response().Message());
    }

    [Fact]
    public void Every_request_of_the_gateway_has_a_context_and_every_response_a_region_error()
    {
        foreach (var message in WireFactsTests.Messages.Where(m => m.File.Package == "kvrpcpb"))
        {
            Assert.Equal(
                message.Name.EndsWith("Request", StringComparison.Ordinal), typeof(IRegionRequest).IsAssignableFrom(message.ClrType));
            Assert.Equal(
                message.Name.EndsWith("Response", StringComparison.Ordinal), typeof(IRegionResponse).IsAssignableFrom(message.ClrType));
            Assert.Equal(message.FindFieldByName("region_error") is not null && message.FindFieldByName("error") is not null,
                typeof(IErrorTextResponse).IsAssignableFrom(message.ClrType));
        }
    }

    [Fact]
    public void Every_request_of_PD_has_a_header_and_every_response_too()
    {
        foreach (var message in WireFactsTests.Messages.Where(m => m.FindFieldByName("header")?.MessageType.File.Package == "pdpb"))
            Assert.True(
                typeof(Pdpb.IPdRequest).IsAssignableFrom(message.ClrType) != typeof(Pdpb.IPdResponse).IsAssignableFrom(message.ClrType),
                message.FullName);
    }

    private static FieldDescriptor Case(MessageDescriptor envelope, string name) => envelope.Oneofs[0].Fields.Single(f => f.Name == name);
}
