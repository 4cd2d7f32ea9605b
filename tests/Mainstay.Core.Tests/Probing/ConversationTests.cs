using Mainstay.Core.Health;
using Mainstay.Core.Probing;

namespace Mainstay.Core.Tests.Probing;

public class ConversationTests
{
    [Fact]
    public void Tcp_WithNothingToAwait_IsGoodOnceConnected() =>
        Assert.Equal("L4 ok: connected", Feed.Ask(new TcpConversation(default, default)).ToString());

    [Theory]
    [InlineData("+PONG\r\n", "L7 ok", "answer as expected")]
    [InlineData("-ERR +PON +PONG\r\n", "L7 ok", "answer as expected")]
    [InlineData("-LOADING\r\n", "L7 unexpected", "the answer has no \"+PONG\" before the end; it began \"-LOADING\\x0d\\x0a\"")]
    [InlineData("", "L7 closed", "closed while waiting for \"+PONG\"")]
    public void Tcp_AwaitsWhatIsExpectedAcrossPieces(string answer, string code, string text)
    {
        var conversation = new TcpConversation(Feed.Bytes("PING\r\n"), Feed.Bytes("+PONG"));
        CheckOutcome outcome = answer.Length == 0 ? Feed.Ask(conversation) : Feed.AskInAllSplits(conversation, Feed.Bytes(answer));
        Assert.Equal((code, text), (outcome.Code, outcome.Text));
    }

    [Fact]
    public void Tcp_EndlessAnswer_IsCutAtTheLimit()
    {
        var conversation = new TcpConversation(default, Feed.Bytes("x"));
        Assert.Equal("the answer has no \"x\" in its first 65536 bytes", Feed.Ask(conversation, new byte[70_000]).Text);
    }

    [Fact]
    public void Tcp_SearchOverRandomPieces_FindsWhatAWholeSearchFinds()
    {
        var random = new Random(3);
        for (int i = 0; i < 5000; i++)
        {
            byte[] wanted = [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => (byte)random.Next('a', 'c'))];
            byte[] text = [.. Enumerable.Range(0, random.Next(0, 30)).Select(_ => (byte)random.Next('a', 'c'))];
            var pieces = new List<byte[]>();
            for (int at = 0; at < text.Length;)
            {
                int length = Math.Min(text.Length - at, random.Next(1, 7));
                pieces.Add(text[at..(at + length)]);
                at += length;
            }

            bool found = Feed.Ask(new TcpConversation(default, wanted), [.. pieces]).IsGood;
            Assert.Equal(text.AsSpan().IndexOf(wanted) >= 0, found);
        }
    }

    [Fact]
    public void Udp_Silence_IsGoodOnlyWhenNothingIsExpected()
    {
        TimeSpan limit = TimeSpan.FromMilliseconds(500);
        Assert.Equal("L4 ok: no ICMP error within 500ms", new UdpConversation(default, default).OnTimeout(limit).ToString());
        var expecting = new UdpConversation(default, Feed.Bytes("pong"));
        expecting.Begin();
        Assert.Equal("L7 timeout: timeout after 500ms waiting for \"pong\"", expecting.OnTimeout(limit).ToString());
        Assert.Null(expecting.OnBytes("ping"u8));
        Assert.Equal("the answer \"ping\" has no \"pong\"", expecting.OnTimeout(limit).Text);
        Assert.Equal("L7 ok", expecting.OnBytes("a pong"u8)?.Code);
    }

    [Theory]
    [InlineData("up\n", "L7 ok", "agent: up", AgentOrder.Ready, null)]
    [InlineData("UP, 75%\r\n", "L7 ok", "agent: up 75%", AgentOrder.Ready, 75)]
    [InlineData("75%", "L7 ok", "agent: 75%", AgentOrder.None, 75)]
    [InlineData("300%\n", "L7 ok", "agent: 100%", AgentOrder.None, 100)]
    [InlineData("drain\n", "L7 ok", "agent: drain", AgentOrder.Drain, null)]
    [InlineData("up drain\n", "L7 ok", "agent: up drain", AgentOrder.Drain, null)]
    [InlineData("maint # new disk\n", "L7 ok", "agent: maint, \"new disk\"", AgentOrder.Maintenance, null)]
    [InlineData("ready 10%\n", "L7 ok", "agent: ready 10%", AgentOrder.Ready, 10)]
    [InlineData("down #disk full\n", "L7 unexpected", "agent: down, \"disk full\"", AgentOrder.None, null)]
    [InlineData("stopped\n", "L7 unexpected", "agent: down", AgentOrder.None, null)]
    [InlineData("fail\n", "L7 unexpected", "agent: down", AgentOrder.None, null)]
    [InlineData("up maxconn:30\n", "L7 warning", "agent: up (word \"maxconn:30\" not understood)", AgentOrder.Ready, null)]
    [InlineData("up down\n", "L7 malformed", "the agent says both up and down: \"up down\"", AgentOrder.None, null)]
    [InlineData("hello %\n", "L7 malformed", "the agent's line \"hello %\" has no word known", AgentOrder.None, null)]
    [InlineData("\n", "L7 malformed", "the agent's line \"\" has no word known", AgentOrder.None, null)]
    public void Agent_Line_IsUnderstood(string line, string code, string text, AgentOrder order, int? percent)
    {
        CheckOutcome outcome = Feed.AskInAllSplits(new AgentConversation(default), Feed.Bytes(line));
        Assert.Equal((code, text, order, percent), (outcome.Code, outcome.Text, outcome.Agent.Order, outcome.Agent.Percent));
    }

    [Fact]
    public void Agent_SilenceAndFloods_AreFailures()
    {
        Assert.Equal("closed while waiting for the agent's line", Feed.Ask(new AgentConversation(default)).Text);
        Assert.Equal("the agent's line is longer than 1024 bytes", Feed.Ask(new AgentConversation(default), new byte[2000]).Text);
    }

    [Fact]
    public void HostileAnswers_NeverThrow()
    {
        byte[][] corpus = [Feed.Bytes("up 75% #fine\n"), Feed.Bytes("drain,maint ready\n"), Feed.Bytes("+PONG\r\n+OK\r\n")];
        Feed.Fuzz(new AgentConversation(default), corpus);
        Feed.Fuzz(new TcpConversation(default, Feed.Bytes("PONG\r")), corpus);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Icmp_Request_IsAnsweredByTheReplyWithItsCookie(bool isV6)
    {
        byte[] packet = new byte[IcmpEcho.Length];
        IcmpEcho.WriteRequest(packet, isV6, 7, 9, 0x1122334455667788);
        Assert.False(IcmpEcho.TryReadReply(packet, isV6, false, out _, out _, out _)); // our own request, seen on loopback
        byte[] reply = Reply(packet, isV6);
        Assert.True(IcmpEcho.TryReadReply(reply, isV6, false, out ushort identifier, out ushort sequence, out ulong cookie));
        Assert.Equal((7, 9, 0x1122334455667788UL), (identifier, sequence, cookie));
    }

    [Fact]
    public void Icmp_RawReply_IsReadBehindItsIpHeader()
    {
        byte[] packet = new byte[IcmpEcho.Length];
        IcmpEcho.WriteRequest(packet, false, 7, 9, 42);
        byte[] raw = [0x46, .. new byte[23], .. Reply(packet, false)];
        Assert.True(IcmpEcho.TryReadReply(raw, false, true, out _, out _, out ulong cookie));
        Assert.Equal(42UL, cookie);
        for (int length = 0; length < raw.Length; length++)
            Assert.False(IcmpEcho.TryReadReply(raw.AsSpan(0, length), false, true, out _, out _, out _));
        raw[^1] ^= 1;
        Assert.False(IcmpEcho.TryReadReply(raw, false, true, out _, out _, out _)); // the checksum
    }

    private static byte[] Reply(byte[] request, bool isV6)
    {
        byte[] reply = [.. request];
        reply[0] = isV6 ? (byte)129 : (byte)0;
        if (isV6) return reply;

        // From type 8 to 0 the sum falls by 0x0800, so its complement rises by that (end-around carry).
        int checksum = (reply[2] << 8 | reply[3]) + 0x0800;
        checksum = (checksum & 0xFFFF) + (checksum >> 16);
        (reply[2], reply[3]) = ((byte)(checksum >> 8), (byte)checksum);
        return reply;
    }
}
