namespace Mainstay.Core.Http2;

/// <summary>
/// RFC 9113 section 5.1. The two reserved states belong to server push, which both of our roles refuse; idle and closed streams have
/// no entry in the table of streams.
/// </summary>
internal enum StreamState : byte
{
    Idle,
    Open,

    /// <summary>We have sent END_STREAM.</summary>
    HalfClosedLocal,

    /// <summary>The peer has sent END_STREAM.</summary>
    HalfClosedRemote,
    Closed,
}

/// <summary>What moves a stream or needs its leave. END_STREAM counts after the frame that carries it.</summary>
internal enum StreamInput : byte
{
    ReceiveHeaders,
    ReceiveData,
    ReceiveEnd,
    ReceiveWindowUpdate,
    ReceiveReset,
    SendHeaders,
    SendData,
    SendEnd,
    SendReset,
}

/// <summary>The state machine of section 5.1 as a table: what a state allows, where it leads, and what is wrong otherwise.</summary>
internal static class StreamStates
{
    private const StreamState Refused = (StreamState)0xFF;

    /// <summary>
    /// Everything that is not here: sending is our own mistake and is not done; receiving is answered by <see cref="Fault"/>. After
    /// our RST_STREAM everything is allowed in and dropped: that is not a state of the stream, but a note (<see cref="ClosedStreams"/>).
    /// </summary>
    private static readonly (StreamState From, StreamInput Input, StreamState To)[] s_rows =
    [
        (StreamState.Idle, StreamInput.ReceiveHeaders, StreamState.Open),
        (StreamState.Idle, StreamInput.SendHeaders, StreamState.Open),

        (StreamState.Open, StreamInput.ReceiveHeaders, StreamState.Open),
        (StreamState.Open, StreamInput.ReceiveData, StreamState.Open),
        (StreamState.Open, StreamInput.ReceiveEnd, StreamState.HalfClosedRemote),
        (StreamState.Open, StreamInput.ReceiveWindowUpdate, StreamState.Open),
        (StreamState.Open, StreamInput.ReceiveReset, StreamState.Closed),
        (StreamState.Open, StreamInput.SendHeaders, StreamState.Open),
        (StreamState.Open, StreamInput.SendData, StreamState.Open),
        (StreamState.Open, StreamInput.SendEnd, StreamState.HalfClosedLocal),
        (StreamState.Open, StreamInput.SendReset, StreamState.Closed),

        (StreamState.HalfClosedLocal, StreamInput.ReceiveHeaders, StreamState.HalfClosedLocal),
        (StreamState.HalfClosedLocal, StreamInput.ReceiveData, StreamState.HalfClosedLocal),
        (StreamState.HalfClosedLocal, StreamInput.ReceiveEnd, StreamState.Closed),
        (StreamState.HalfClosedLocal, StreamInput.ReceiveWindowUpdate, StreamState.HalfClosedLocal),
        (StreamState.HalfClosedLocal, StreamInput.ReceiveReset, StreamState.Closed),
        (StreamState.HalfClosedLocal, StreamInput.SendReset, StreamState.Closed),

        (StreamState.HalfClosedRemote, StreamInput.ReceiveWindowUpdate, StreamState.HalfClosedRemote),
        (StreamState.HalfClosedRemote, StreamInput.ReceiveReset, StreamState.Closed),
        (StreamState.HalfClosedRemote, StreamInput.SendHeaders, StreamState.HalfClosedRemote),
        (StreamState.HalfClosedRemote, StreamInput.SendData, StreamState.HalfClosedRemote),
        (StreamState.HalfClosedRemote, StreamInput.SendEnd, StreamState.Closed),
        (StreamState.HalfClosedRemote, StreamInput.SendReset, StreamState.Closed),
    ];

    private static readonly StreamState[,] s_next = Compile();

    /// <summary>The state after an input; false when the state does not allow it.</summary>
    public static bool TryMove(StreamState from, StreamInput input, out StreamState to)
    {
        to = s_next[(int)from, (int)input];
        return to != Refused;
    }

    public static bool Allows(StreamState state, StreamInput input) => s_next[(int)state, (int)input] != Refused;

    /// <summary>Why a frame is refused that a state does not allow.</summary>
    public static Http2Reason Fault(StreamState state) => state switch
    {
        StreamState.Idle => Http2Reason.StreamIdle,
        StreamState.HalfClosedRemote => Http2Reason.StreamHalfClosed,
        _ => Http2Reason.StreamEnded,
    };

    private static StreamState[,] Compile()
    {
        var next = new StreamState[5, 9];
        for (int i = 0; i < next.GetLength(0); i++)
            for (int j = 0; j < next.GetLength(1); j++) next[i, j] = Refused;
        foreach ((StreamState from, StreamInput input, StreamState to) in s_rows) next[(int)from, (int)input] = to;
        return next;
    }
}
