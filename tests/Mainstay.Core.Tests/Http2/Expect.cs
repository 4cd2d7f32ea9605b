using Mainstay.Core.Http2;

namespace Mainstay.Core.Tests.Http2;

/// <summary>How errors show: to the peer, to the caller, and in the counters.</summary>
internal static class Expect
{
    public static void ConnectionError(Machine machine, Http2Reason reason, ErrorCode code)
    {
        Seen last = machine.Events[^1];
        Assert.Equal((Http2EventKind.Failed, reason), (last.Kind, last.Reason));
        SentFrame sent = machine.Sent[^1];
        Assert.Equal((FrameType.GoAway, code), (sent.Type, sent.Code));
        Assert.True(machine.Connection.IsFailed);
        Assert.Equal(1, machine.Workspace.Counters[(int)reason]);

        // Nothing that follows is read, and nothing more is said.
        int count = machine.Sent.Count;
        machine.Feed(Wire.Ping());
        Assert.Equal(count, machine.Sent.Count);
    }

    public static void StreamError(Machine machine, int id, Http2Reason reason, ErrorCode code)
    {
        Seen last = machine.Events[^1];
        Assert.Contains(last.Kind, new[] { Http2EventKind.Reset, Http2EventKind.Rejected });
        Assert.Equal((id, reason), (last.StreamId, last.Reason));
        SentFrame sent = machine.Sent[^1];
        Assert.Equal((FrameType.RstStream, id, code), (sent.Type, sent.StreamId, sent.Code));
        Assert.True(machine.Workspace.Counters[(int)reason] > 0);
        StillServes(machine);
    }

    /// <summary>The connection goes on: a ping is answered, and the compression still agrees.</summary>
    public static void StillServes(Machine machine)
    {
        Assert.False(machine.Connection.IsFailed);
        machine.Forget().Feed(Wire.Ping(99));
        SentFrame sent = Assert.Single(machine.Sent);
        Assert.Equal((FrameType.Ping, FrameFlags.Ack), (sent.Type, sent.Flags));
    }
}
