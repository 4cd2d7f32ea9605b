using System.Buffers.Binary;
using Mainstay.Core.Health;
using Mainstay.Core.Probing;

namespace Mainstay.Core.Tests.Probing;

public class DnsConversationTests
{
    private const string Name = "\u0003www\u0007example\u0000";

    [Fact]
    public void Query_IsOneQuestionWithAFreshId()
    {
        var conversation = new DnsConversation("www.example", "aaaa", null, 1);
        conversation.Begin();
        byte[] first = conversation.Request.ToArray();
        conversation.Begin();
        Assert.NotEqual(first[..2], conversation.Request[..2].ToArray());
        Assert.Equal(Feed.Bytes("\u0001\u0000\u0000\u0001\u0000\u0000\u0000\u0000\u0000\u0000" + Name + "\u0000\u001c\u0000\u0001"), first[2..]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a..b")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123.example")]
    public void Query_ForWhatIsNoName_IsRefused(string name)
    {
        if (name.Length == 0) _ = new DnsConversation(name, "NS", null, 1); // the root
        else Assert.Throws<ArgumentException>(() => new DnsConversation(name, "A", null, 1));
    }

    [Theory]
    [InlineData("A", "192.0.2.1", "\u00c0\u0000\u0002\u0001", "192.0.2.1")]
    [InlineData("AAAA", "2001:db8::1", "\u0020\u0001\u000d\u00b8\0\0\0\0\0\0\0\0\0\0\0\u0001", "2001:db8::1")]
    [InlineData("CNAME", "WWW.example.", "\u00c0\u000c", "www.example")]
    [InlineData("NS", "ns.example", "\u0002ns\u00c0\u0010", "ns.example")]
    [InlineData("PTR", "www.example", "\u00c0\u000c", "www.example")]
    [InlineData("MX", "10 mail.example", "\0\u000a\u0004mail\u00c0\u0010", "10 mail.example")]
    [InlineData("SRV", "1 2 443 www.example", "\0\u0001\0\u0002\u0001\u00bb\u00c0\u000c", "1 2 443 www.example")]
    [InlineData("TXT", "v=1 yes", "\u0004v=1 \u0003yes", "v=1 yes")]
    [InlineData("SOA", "www.example www.example 1 2 3 4 5", "\u00c0\u000c\u00c0\u000c\0\0\0\u0001\0\0\0\u0002\0\0\0\u0003\0\0\0\u0004\0\0\0\u0005", "www.example www.example 1 2 3 4 5")]
    public void Answer_OfEachType_IsReadAndCompared(string type, string expected, string content, string shown)
    {
        CheckOutcome outcome = Ask(type, expected, conversation => Answer(conversation, [Record(conversation, Feed.Bytes(content))]));
        Assert.Equal(("L7 ok", $"{type} \"{shown}\""), (outcome.Code, outcome.Text));
    }

    [Fact]
    public void Answer_WithAnotherRecordOnly_IsUnexpected()
    {
        CheckOutcome outcome = Ask("A", "192.0.2.9", conversation =>
            Answer(conversation, [Record(conversation, [192, 0, 2, 1]), Record(conversation, [192, 0, 2, 2])]));
        Assert.Equal(("L7 unexpected", "A \"192.0.2.1\" and 1 more; expected \"192.0.2.9\""), (outcome.Code, outcome.Text));
    }

    [Theory]
    [InlineData(2, "www.example A: SERVFAIL")]
    [InlineData(3, "www.example A: NXDOMAIN")]
    [InlineData(5, "www.example A: REFUSED")]
    [InlineData(11, "www.example A: response code 11")]
    public void Answer_WithAnErrorCode_IsUnexpected(int code, string text) =>
        Assert.Equal(text, Ask("A", null, conversation => Answer(conversation, [], flags: 0x8180 | code)).Text);

    [Fact]
    public void Answer_WithoutRecords_IsGoodOnlyWhenNothingIsExpected()
    {
        Assert.Equal("no error, no A record", Ask("A", null, conversation => Answer(conversation, [])).Text);
        Assert.Equal("L7 unexpected", Ask("A", "192.0.2.1", conversation => Answer(conversation, [])).Code);
    }

    [Fact]
    public void Answer_Truncated_IsGoodOnlyWhenItHoldsWhatIsExpected()
    {
        Assert.True(Ask("A", "192.0.2.1", conversation => Answer(conversation, [Record(conversation, [192, 0, 2, 1])], flags: 0x8380)).IsGood);
        Assert.StartsWith("the answer is truncated", Ask("A", "192.0.2.9", conversation =>
            Answer(conversation, [Record(conversation, [192, 0, 2, 1])], flags: 0x8380, claimed: 5)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Answer_ToAnotherQuestionOrId_DoesNotDecide()
    {
        var conversation = new DnsConversation("www.example", "A", null, 1);
        conversation.Begin();
        byte[] other = Answer(conversation, []);
        other[0] ^= 0xFF;
        Assert.Null(conversation.OnBytes(other));
        Assert.Null(conversation.OnBytes(conversation.Request.Span)); // our own question, reflected
        byte[] wrong = Answer(conversation, []);
        wrong[14] ^= 0x01;
        Assert.Equal("the answer repeats another question", conversation.OnBytes(wrong)?.Text);
    }

    [Theory]
    [InlineData("\u00c0\u0029", "a pointer to itself")]
    [InlineData("\u00c0\u00ff", "a pointer beyond the message")]
    [InlineData("\u00c0\u0000", "a pointer into the header")]
    [InlineData("\u0040a", "a reserved label type")]
    [InlineData("\u0005ab", "a label beyond the record")]
    public void Answer_WithABrokenName_IsMalformed(string name, string what)
    {
        CheckOutcome outcome = Ask("CNAME", null, conversation => Answer(conversation, [Record(conversation, Feed.Bytes(name))]));
        Assert.True(outcome.Cause == CheckCause.Malformed, what);
    }

    [Fact]
    public void HostileAnswers_NeverThrow()
    {
        foreach (string type in Enum.GetNames<DnsRecordType>())
        {
            var conversation = new DnsConversation("www.example", type, "x", 1);
            conversation.Begin();
            byte[][] contents =
            [
                Feed.Bytes("\u0002ns\u00c0\u0010"), Feed.Bytes("\0\u000a\u0004mail\u00c0\u0010"), Feed.Bytes("\u0004v=1 \u0003yes"), [1, 2, 3, 4],
            ];
            byte[][] corpus = [.. contents.Select(content => Answer(conversation, [Record(conversation, content), Record(conversation, content)]))];
            var random = new Random(7);
            for (int i = 0; i < 2000; i++)
            {
                byte[] message = [.. corpus[random.Next(corpus.Length)]];
                for (int change = random.Next(1, 5); change > 0; change--) message[random.Next(2, message.Length)] = (byte)random.Next(256);
                _ = conversation.OnBytes(message.AsSpan(0, random.Next(message.Length + 1)));
            }
        }
    }

    private static CheckOutcome Ask(string type, string? expected, Func<DnsConversation, byte[]> answer)
    {
        var conversation = new DnsConversation("www.example", type, expected, 1);
        conversation.Begin();
        CheckOutcome? outcome = conversation.OnBytes(answer(conversation));
        Assert.NotNull(outcome);
        return outcome.Value;
    }

    private static byte[] Answer(DnsConversation conversation, byte[][] records, int flags = 0x8180, int? claimed = null)
    {
        byte[] message = [.. conversation.Request.Span, .. records.SelectMany(record => record)];
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), (ushort)flags);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(6), (ushort)(claimed ?? records.Length));
        return message;
    }

    private static byte[] Record(DnsConversation conversation, byte[] content) =>
        [0xC0, 0x0C, .. conversation.Request.Span[^4..], 0, 0, 0, 60, (byte)(content.Length >> 8), (byte)content.Length, .. content];
}
