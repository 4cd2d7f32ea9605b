using Mainstay.Core.Config;
using Mainstay.Core.Http;

namespace Mainstay.Core.Tests.Http;

/// <summary>Feeds bytes to scanner and parser as a connection does.</summary>
internal static class HeadFeeder
{
    /// <summary>
    /// In two reads, the first of <paramref name="cut"/> bytes. InvalidRequestLine also stands for "never complete".
    /// </summary>
    public static RejectReason Feed(byte[] bytes, int cut, RequestHead head, HttpLimits limits)
    {
        var scanner = new HeadScanner();
        if (!scanner.TryFindEnd(bytes.AsSpan(0, cut), limits, out int length, out RejectReason reason) && reason == RejectReason.None)
            scanner.TryFindEnd(bytes, limits, out length, out reason);
        return Finish(bytes, length, reason, head, limits);
    }

    public static RejectReason FeedByteByByte(byte[] bytes, RequestHead head, HttpLimits limits)
    {
        var scanner = new HeadScanner();
        int length = 0;
        RejectReason reason = RejectReason.None;
        for (int end = 1; end <= bytes.Length && length == 0 && reason == RejectReason.None; end++)
            scanner.TryFindEnd(bytes.AsSpan(0, end), limits, out length, out reason);
        return Finish(bytes, length, reason, head, limits);
    }

    private static RejectReason Finish(byte[] bytes, int length, RejectReason reason, RequestHead head, HttpLimits limits)
    {
        if (reason != RejectReason.None) return reason;
        Assert.True(length > 0, "the head never ended");
        head.TryParse(bytes.AsSpan(0, length), limits, out reason);
        return reason;
    }
}
