namespace Mainstay.Link;

/// <summary>What keeper and worker say to each other. The numbers are the wire's: an upgrade joins two versions of the program.</summary>
public enum LinkKind : byte
{
    // From the worker.

    /// <summary>First message. Number: the worker's protocol version.</summary>
    Hello = 1,

    /// <summary>Text: endpoint; number: how many sockets, plus <see cref="LinkCodec.PrivateListener"/>. Answered by <see cref="Listener"/> with the same id.</summary>
    OpenListener = 2,

    /// <summary>Text: an endpoint that the configuration in force no longer has.</summary>
    CloseListener = 3,

    /// <summary>Text: a state directory to hold the instance lock of. Answered by <see cref="Claimed"/> with the same id.</summary>
    Claim = 4,

    /// <summary>A configuration is in force. Id: which, from 1; number: drain timeout in milliseconds.</summary>
    Serving = 5,

    /// <summary>All planes have moved on since the last one.</summary>
    Heartbeat = 6,

    /// <summary>Asks for the configuration file as it is now (the API's reload).</summary>
    WantConfiguration = 7,

    /// <summary>Answers <see cref="Yield"/>: all orders taken are on the disk, and no further one is taken.</summary>
    Yielded = 8,

    /// <summary>Text: a file to open for reading, which the configuration names. Answered by <see cref="File"/> with the same id.</summary>
    OpenFile = 9,

    // From the keeper.

    /// <summary>
    /// With one descriptor: the opened configuration file. Text: its path, for messages. Number: 0, or the error number of a file that
    /// could not be opened; then without a descriptor.
    /// </summary>
    Configuration = 16,

    /// <summary>Number: 0 with descriptors, else an error number; text: why there are none.</summary>
    Listener = 17,

    /// <summary>Number: 0 = held for this instance; else an error number.</summary>
    Claimed = 18,

    /// <summary>Take no new work, end the existing and leave. Number: within so many milliseconds; -1 = as configured.</summary>
    Drain = 19,

    /// <summary>
    /// Number: 1 = a second worker is about to start, answer with <see cref="Yielded"/>; 0 = it did not come to serve, go on as before.
    /// </summary>
    Yield = 20,

    /// <summary>With the opened file as descriptor and number 0, or with an error number and none.</summary>
    File = 21,
}

/// <summary>One message; which fields mean something is said at its kind.</summary>
/// <param name="Id">Ties an answer to its question.</param>
public readonly record struct LinkMessage(LinkKind Kind, uint Id = 0, long Number = 0, string Text = "");
