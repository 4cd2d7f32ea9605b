using System.Net.Security;
using System.Text;
using Mainstay.Core.Tls;

namespace Mainstay.Core.Tests.Tls;

public class ClientHelloTests
{
    private readonly byte[] _scratch = new byte[ClientHello.MaxLength + 4];

    [Fact]
    public void Read_NameAndProtocols_AreFound()
    {
        byte[] stream = HelloBytes.Records(HelloBytes.Hello([
            .. HelloBytes.Extension(0x3a3a), .. HelloBytes.ServerName("WWW.example.com"), .. HelloBytes.Protocols("h2", "http/1.1")]));
        Assert.Equal(ClientHelloResult.Found, ClientHello.Read(stream, _scratch, out ClientHello hello));
        Assert.Equal("WWW.example.com", Encoding.ASCII.GetString(hello.ServerName));
        Assert.True(hello.HasProtocols);
        Assert.True(hello.Offers("h2"u8));
        Assert.True(hello.Offers("http/1.1"u8));
        Assert.False(hello.Offers("http/1"u8));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Read_NoExtensions_IsFoundWithoutName(bool emptyVector)
    {
        byte[] stream = HelloBytes.Records(HelloBytes.Hello(emptyVector ? [] : null));
        Assert.Equal(ClientHelloResult.Found, ClientHello.Read(stream, [], out ClientHello hello));
        Assert.True(hello.ServerName.IsEmpty);
        Assert.False(hello.HasProtocols);
        Assert.False(hello.Offers("h2"u8));
    }

    [Fact]
    public void Read_SplitAnywhere_NeedsMoreUntilItIsWhole()
    {
        byte[] message = HelloBytes.Hello([.. HelloBytes.ServerName("a.example"), .. HelloBytes.Protocols("http/1.1")]);
        foreach (int[] records in new int[][] { [], [1], [3, 1, 7], [4, 200], [50], [message.Length - 1, 1] })
        {
            byte[] stream = HelloBytes.Records(message, records);
            for (int length = 0; length < stream.Length; length++)
                Assert.Equal(ClientHelloResult.NeedMore, ClientHello.Read(stream.AsSpan(0, length), _scratch, out _));
            Assert.Equal(ClientHelloResult.Found, ClientHello.Read([.. stream, 20, 3, 3], _scratch, out ClientHello hello));
            Assert.Equal("a.example", Encoding.ASCII.GetString(hello.ServerName));
        }
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n", ClientHelloResult.NotTls)]
    [InlineData("SSH-2.0-x\r\n", ClientHelloResult.NotTls)]
    [InlineData("\x80\x2e\x01\x03\x01", ClientHelloResult.NotTls)] // SSLv2
    [InlineData("\x16\x02", ClientHelloResult.NotTls)]
    [InlineData("\x16\x03\x05", ClientHelloResult.NotTls)]
    [InlineData("\x15\x03\x01\x00\x02", ClientHelloResult.NotTls)]
    [InlineData("\x16\x03\x01\x00\x00", ClientHelloResult.Malformed)] // an empty record
    [InlineData("\x16\x03\x01\x40\x01", ClientHelloResult.Malformed)] // above 2^14
    [InlineData("\x16\x03\x01\x00\x05\x02", ClientHelloResult.Malformed)] // a ServerHello
    [InlineData("\x16\x03\x01\x00\x05\x01\x00\x40\x01", ClientHelloResult.TooLong)]
    [InlineData("\x16\x03\x01\x00\x01\x01\x17", ClientHelloResult.Malformed)] // application data in between
    public void Read_NotAHello_IsRefusedAtItsFirstWrongByte(string text, ClientHelloResult expected)
    {
        byte[] stream = Encoding.Latin1.GetBytes(text);
        Assert.Equal(expected, ClientHello.Read(stream, _scratch, out _));
        if (expected != ClientHelloResult.NotTls)
            Assert.Equal(ClientHelloResult.NeedMore, ClientHello.Read(stream.AsSpan(0, stream.Length - 1), _scratch, out _));
    }

    public static TheoryData<string, byte[]> MalformedExtensions => new()
    {
        { "two names", [.. HelloBytes.ServerName("a"), .. HelloBytes.ServerName("a")] },
        { "two names in a list", HelloBytes.Extension(0, HelloBytes.Vector16([0, 0, 1, (byte)'a', 0, 0, 1, (byte)'b'])) },
        { "an empty name", HelloBytes.ServerName("") },
        { "an empty list of names", HelloBytes.Extension(0, HelloBytes.Vector16()) },
        { "a name with NUL", HelloBytes.ServerName("a\0.example") },
        { "a name with a space", HelloBytes.ServerName("a b") },
        { "a name with 256 bytes", HelloBytes.ServerName(new string('a', 256)) },
        { "bytes behind the list", HelloBytes.Extension(0, [.. HelloBytes.Vector16([0, 0, 1, (byte)'a']), 0]) },
        { "a name longer than its list", HelloBytes.Extension(0, HelloBytes.Vector16([0, 0, 2, (byte)'a'])) },
        { "two protocol lists", [.. HelloBytes.Protocols("h2"), .. HelloBytes.Protocols("h2")] },
        { "an empty protocol", HelloBytes.Protocols("h2", "") },
        { "no protocols", HelloBytes.Protocols() },
        { "a protocol longer than its list", HelloBytes.Extension(16, HelloBytes.Vector16(5, (byte)'h')) },
        { "an extension longer than the vector", [0, 99, 0, 1] },
        { "half an extension", [0, 99, 0] },
    };

    [Theory]
    [MemberData(nameof(MalformedExtensions))]
    public void Read_BrokenExtension_IsMalformed(string what, byte[] extensions) => Assert.True(
        ClientHello.Read(HelloBytes.Records(HelloBytes.Hello(extensions)), _scratch, out _) == ClientHelloResult.Malformed, what);

    [Fact]
    public void Read_BrokenFixedPart_IsMalformed()
    {
        Assert.Equal(ClientHelloResult.Malformed, ClientHello.Read(HelloBytes.Records(HelloBytes.Hello([], sessionLength: 33)), _scratch, out _));
        Assert.Equal(ClientHelloResult.Malformed, ClientHello.Read(HelloBytes.Records(HelloBytes.Hello([], ciphers: 0)), _scratch, out _));
        Assert.Equal(ClientHelloResult.Malformed, ClientHello.Read(HelloBytes.Records([1, 0, 0, 3, 3, 3, 0]), _scratch, out _));
    }

    [Fact]
    public void Read_OneByteInEachRecord_EndsAtTheLimit()
    {
        byte[] stream = HelloBytes.Records(HelloBytes.Hello(HelloBytes.Extension(21, new byte[15_000])), 1);
        Assert.Equal(ClientHelloResult.TooLong, ClientHello.Read(stream.AsSpan(0, ClientHello.MaxStreamLength + 16), _scratch, out _));
    }

    /// <summary>Random cuts and random damage: no exception, and no answer that a longer stream would change.</summary>
    [Fact]
    public void Read_DamagedAnywhere_AnswersOnceAndForAll()
    {
        var random = new Random(20261121);
        for (int round = 0; round < 2_000; round++)
        {
            byte[] message = HelloBytes.Hello([
                .. HelloBytes.Extension(random.Next(20, 60_000), new byte[random.Next(40)]), .. HelloBytes.ServerName("www.example.com"),
                .. HelloBytes.Protocols("h2", "http/1.1")]);
            byte[] stream = HelloBytes.Records(message, random.Next(1, message.Length), random.Next(1, 64));
            for (int flips = random.Next(4); flips > 0; flips--) stream[random.Next(stream.Length)] ^= (byte)(1 << random.Next(8));
            ClientHelloResult final = ClientHelloResult.NeedMore;
            for (int length = 0; length <= stream.Length; length++)
            {
                ClientHelloResult now = ClientHello.Read(stream.AsSpan(0, length), _scratch, out _);
                if (final != ClientHelloResult.NeedMore) Assert.Equal(final, now);
                final = now;
            }
        }
    }

    [Fact]
    public async Task Read_HelloOfARealClient_GivesItsNameAndProtocols()
    {
        var sent = new Recorder();
        await using var client = new SslStream(sent);
        await Assert.ThrowsAnyAsync<IOException>(() => client.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "shop.example.org",
            ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
        }));
        Assert.Equal(ClientHelloResult.Found, ClientHello.Read(sent.ToArray(), _scratch, out ClientHello hello));
        Assert.Equal("shop.example.org", Encoding.ASCII.GetString(hello.ServerName));
        Assert.True(hello.Offers("h2"u8) && hello.Offers("http/1.1"u8));
    }

    /// <summary>A peer that takes everything and then hangs up.</summary>
    private sealed class Recorder : MemoryStream
    {
        public override int Read(byte[] buffer, int offset, int count) => 0;

        public override int Read(Span<byte> buffer) => 0;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(0);
    }
}
