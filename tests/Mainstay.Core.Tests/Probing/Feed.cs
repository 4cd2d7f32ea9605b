using System.Text;
using Mainstay.Core.Health;
using Mainstay.Core.Probing;

namespace Mainstay.Core.Tests.Probing;

internal static class Feed
{
    public static byte[] Bytes(string latin1) => Encoding.Latin1.GetBytes(latin1);

    /// <summary>The result of one check whose peer sends these bytes in these pieces and then ends its stream.</summary>
    public static CheckOutcome Ask(Conversation conversation, params ReadOnlySpan<byte[]> pieces)
    {
        conversation.Begin();
        CheckOutcome? outcome = conversation.OnSent();
        foreach (byte[] piece in pieces) outcome ??= conversation.OnBytes(piece);
        return outcome ?? conversation.OnEnd();
    }

    /// <summary>Split at every byte boundary, and byte by byte: the result must be the same.</summary>
    public static CheckOutcome AskInAllSplits(Conversation conversation, byte[] message)
    {
        CheckOutcome whole = Ask(conversation, message);
        for (int i = 1; i < message.Length; i++) Assert.Equal(whole, Ask(conversation, message[..i], message[i..]));
        Assert.Equal(whole, Ask(conversation, [.. message.Select(b => new[] { b })]));
        return whole;
    }

    /// <summary>Mutations of good messages: no exception, and a reason in every result.</summary>
    public static void Fuzz(Conversation conversation, byte[][] corpus, int rounds = 3000)
    {
        var random = new Random(4711);
        for (int i = 0; i < rounds; i++)
        {
            byte[] message = Mutate(random, [.. corpus[random.Next(corpus.Length)]]);
            int cut = random.Next(message.Length + 1);
            CheckOutcome outcome = Ask(conversation, message[..cut], message[cut..]);
            Assert.NotEqual("", outcome.Text);
            Assert.DoesNotContain(outcome.Text, char.IsControl);
        }
    }

    private static byte[] Mutate(Random random, byte[] message)
    {
        for (int change = random.Next(1, 6); change > 0 && message.Length > 0; change--)
        {
            int at = random.Next(message.Length);
            switch (random.Next(4))
            {
                case 0: message[at] = (byte)random.Next(256); break;
                case 1: message = [.. message[..at], .. message[Math.Min(message.Length, at + random.Next(1, 9))..]]; break;
                case 2: message = [.. message[..at], .. message[random.Next(message.Length)..]]; break;
                default: message[at] ^= (byte)(1 << random.Next(8)); break;
            }
        }

        return message;
    }
}
