using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Mainstay.Core.Config;
using Mainstay.Core.Http;

namespace Mainstay.Core.Tests.Http;

/// <summary>
/// The parsers against twins, on thousands of generated inputs. MAINSTAY_FUZZ=5000000 makes it millions (and MAINSTAY_SEED=n
/// others); a failure prints the input.
/// </summary>
public class ParserPropertyTests
{
    private static readonly HttpLimits s_limits = new(RequestLine: 100, Head: 400, Fields: 8);

    internal static int Count(int normal) =>
        int.TryParse(Environment.GetEnvironmentVariable("MAINSTAY_FUZZ"), NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            ? count : normal;

    /// <param name="salt">Tells one test's numbers from another's.</param>
    internal static Random Seeded(int salt = 0) => new(salt + 1000 * (
        int.TryParse(Environment.GetEnvironmentVariable("MAINSTAY_SEED"), NumberStyles.None, CultureInfo.InvariantCulture, out int seed) ? seed : 1));

    [Fact]
    public void TryParse_DamagedRequests_AgreesWithTheTwin()
    {
        Random random = Seeded();
        var request = new RequestHead();
        int accepted = 0, count = Count(30_000);
        for (int i = 0; i < count; i++)
            if (AgreesWithTwin(RequestCorpus.Make(random), random, request)) accepted++;

        // The corpus is worth something only when much of it is accepted and much refused.
        Assert.InRange(accepted, count / 10, count * 9 / 10);
    }

    [Fact]
    public void TryParse_GeneratedFields_AgreesWithTheTwin()
    {
        Gen<string> line = Gen.OneOf(
            Gen.Elements(RequestCorpus.Fields),
            from name in Gen.Elements("Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "X")
            from value in Gen.Elements("h", "5", "chunked", "close", "h2c", "a,b", "", "\t", "a:b", "é", "\x7f").ArrayOf()
            select name + ":" + string.Join(' ', value));
        Arbitrary<string[]> lines = line.ArrayOf().ToArbitrary();
        var request = new RequestHead();
        Prop.ForAll(lines, fields =>
        {
            string text = "GET /p?q HTTP/1.1\r\nHost: h\r\n" + string.Concat(fields.Select(field => field + "\r\n")) + "\r\n";
            AgreesWithTwin(Encoding.Latin1.GetBytes(text), Seeded(), request);
        }).Check(FsCheck.Config.QuickThrowOnFailure.WithMaxTest(Count(2_000)));
    }

    [Fact]
    public void TryParse_RandomBytes_NeverThrowsAndNeverReadsPastTheEnd()
    {
        Random random = Seeded();
        var request = new RequestHead();
        var response = new ResponseHead();
        for (int i = 0; i < Count(20_000); i++)
        {
            byte[] bytes = RequestCorpus.Make(random)[..];
            if (random.Next(2) == 0) random.NextBytes(bytes);
            request.TryParse(bytes, s_limits, out _);
            response.TryParse(bytes, RequestMethod.Get, false, s_limits, out _);
            response.TryParse([.. "HTTP/1.1 200 OK\r\n"u8, .. bytes], RequestMethod.Get, false, s_limits, out _);
        }
    }

    [Fact]
    public void TryParse_CutAnywhere_GivesTheSameResultAndReason()
    {
        Random random = Seeded();
        var request = new RequestHead();
        for (int i = 0; i < Count(1_000); i++)
        {
            byte[] bytes = RequestCorpus.Make(random);
            if (!Ends(bytes)) continue;
            RejectReason whole = HeadFeeder.Feed(bytes, bytes.Length, request, s_limits);
            for (int cut = 0; cut < bytes.Length; cut++)
                AssertSame(whole, HeadFeeder.Feed(bytes, cut, request, s_limits), bytes);
            AssertSame(whole, HeadFeeder.FeedByteByByte(bytes, request, s_limits), bytes);
        }
    }

    [Fact]
    public void Write_AnyAcceptedRequest_IsAcceptedAgainWithTheSameMeaning()
    {
        Random random = Seeded();
        var request = new RequestHead();
        var again = new RequestHead();
        var policy = new ForwardedPolicy(new ForwardedSnapshot([], Standard: true));
        byte[] output = new byte[8192];
        for (int i = 0; i < Count(20_000); i++)
        {
            byte[] bytes = RequestCorpus.Make(random);
            if (!Ends(bytes) || HeadFeeder.Feed(bytes, bytes.Length, request, s_limits) != RejectReason.None) continue;
            if (request.Method == RequestMethod.Connect) continue;
            int length = RequestHeadWriter.Write(output, request, bytes, new ForwardingContext
            {
                Policy = policy,
                ClientAddress = "192.0.2.7"u8,
                TrustedPeer = random.Next(2) == 0,
                Tls = false,
                RequestId = "id"u8,
                DefaultHost = "default"u8,
            });
            bool accepted = again.TryParse(output.AsSpan(0, length), new HttpLimits(), out RejectReason reason);
            Assert.True(accepted, $"{reason}\n{Show(bytes)}\n{Show(output[..length])}");
            Assert.Equal((request.Method, request.Body, request.ExpectsContinue, request.IsUpgrade),
                (again.Method, again.Body, again.ExpectsContinue, again.IsUpgrade));
            Assert.Equal(1, again.MinorVersion);
            Assert.Equal(request.Query.Of(bytes), again.Query.Of(output));
            if (!request.Authority.IsEmpty) Assert.Equal(request.Authority.Of(bytes), again.Authority.Of(output));
        }
    }

    [Fact]
    public void TryRead_DamagedChunkedBodies_AgreesWithTheTwinWhereverCut()
    {
        Random random = Seeded();
        int ended = 0, count = Count(30_000);
        for (int i = 0; i < count; i++)
        {
            byte[] body = ChunkedCorpus.Make(random);
            (bool refused, int length, string content) twin = ChunkedCorpus.Decode(body, s_limits);
            Assert.True(twin == Feed(body, random.Next(body.Length + 1), random.Next(body.Length + 1)), $"{twin}\n{Show(body)}");
            if (twin.length >= 0) ended++;
        }

        Assert.InRange(ended, count / 20, count * 9 / 10);
    }

    [Fact]
    public void TryMatch_AnyPath_IsNormalisedOnce()
    {
        Random random = Seeded();
        string[] pieces = ["/", "/", ".", "..", "a", "%2e", "%2F", "%5c", "%25", "%61", ";", "%", "%00", "\u0080", "b"];
        byte[] first = new byte[256], second = new byte[256];
        for (int i = 0; i < Count(50_000); i++)
        {
            string text = "/" + string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => pieces[random.Next(pieces.Length)]));
            if (!PathNormalizer.TryNormalize(Encoding.Latin1.GetBytes(text), first, out ReadOnlySpan<byte> once, out _)) continue;
            Assert.Equal((byte)'/', once[0]);
            Assert.True(once.Length <= text.Length, text);
            Assert.True(once.IndexOf("//"u8) < 0 && once.IndexOf("/./"u8) < 0 && once.IndexOf("/../"u8) < 0, text);
            Assert.False(once.EndsWith("/.."u8) || once.EndsWith("/."u8), text);

            // What rules see is a fixed point: seen through twice it says the same.
            Assert.True(PathNormalizer.TryNormalize(once, second, out ReadOnlySpan<byte> twice, out _), text);
            Assert.True(once.SequenceEqual(twice), text);
        }
    }

    /// <summary>Returns whether both accepted.</summary>
    private static bool AgreesWithTwin(byte[] bytes, Random random, RequestHead request)
    {
        if (!Ends(bytes)) return false;
        int end = Encoding.Latin1.GetString(bytes).IndexOf("\r\n\r\n", bytes.AsSpan().StartsWith("\r\n"u8) ? 2 : 0, StringComparison.Ordinal) + 4;
        TwinRequest? twin = end > 3 && end <= s_limits.Head ? TwinParser.Parse(Encoding.Latin1.GetString(bytes, 0, end), s_limits) : null;
        TwinRequest? real = TwinParser.Real(bytes, random.Next(bytes.Length + 1), request, s_limits);
        Assert.True(twin == real, $"twin: {twin}\nreal: {real}\n{Show(bytes)}");
        return twin is not null;
    }

    /// <summary>Whether the scanner comes to a result; what only lacks its end has none yet.</summary>
    private static bool Ends(byte[] bytes)
    {
        var scanner = new HeadScanner();
        return scanner.TryFindEnd(bytes, s_limits, out _, out RejectReason reason) || reason != RejectReason.None;
    }

    private static (bool Refused, int Length, string Content) Feed(byte[] body, int first, int second)
    {
        var reader = new ChunkedReader();
        var content = new StringBuilder();
        int total = 0;
        int[] cuts = [0, Math.Min(first, second), Math.Max(first, second), body.Length];
        for (int i = 0; i < 3; i++)
        {
            ReadOnlySpan<byte> piece = body.AsSpan(cuts[i]..cuts[i + 1]);
            int at = 0;
            RejectReason reason;
            while (reader.TryRead(piece, s_limits, ref at, out ByteRange data, out reason)) content.Append(Encoding.Latin1.GetString(data.Of(piece)));
            if (reason != RejectReason.None) return (true, -1, "");
            total += at;
        }

        return (false, reader.IsEnd ? total : -1, reader.IsEnd ? content.ToString() : "");
    }

    private static void AssertSame(RejectReason expected, RejectReason actual, byte[] bytes) =>
        Assert.True(expected == actual, $"whole: {expected}, cut: {actual}\n{Show(bytes)}");

    private static string Show(byte[] bytes) => string.Concat(bytes.Select(b => b is >= 0x20 and < 0x7F ? $"{(char)b}" : $"\\x{b:x2}"));
}
