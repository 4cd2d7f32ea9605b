using System.Collections.Immutable;

namespace Mainstay.Demo;

/// <summary>What the demo does to its own parts.</summary>
internal enum Fault
{
    None,

    /// <summary>The port is closed, connections are reset.</summary>
    Crash,

    /// <summary>Connections are accepted, requests read, nothing is answered.</summary>
    Hang,

    /// <summary>Every request is answered with 500, the check's too.</summary>
    Errors,

    /// <summary>Not a fault: the operator's order, through the admin socket as by <c>mainstay pool drain</c>.</summary>
    Drain,

    /// <summary>SIGKILL to the process that carries the traffic.</summary>
    KillWorker,
}

/// <summary>One part of the script. Times are fractions of the whole script's length.</summary>
/// <param name="Server">Whom it happens to; empty = the balancer itself, or nobody.</param>
/// <param name="Title">In the list of scenes.</param>
/// <param name="Narration">While the fault lasts.</param>
/// <param name="Recovery">From <paramref name="Heals"/> on.</param>
internal sealed record Scene(
    Fault Fault, string Server, string Title, string Narration, string Recovery, double Begins, double Heals, double Ends)
{
    /// <summary>Is a failure that the checks find out about.</summary>
    public bool IsChecked => Fault is Fault.Crash or Fault.Hang or Fault.Errors;
}

/// <param name="Begins">Since the script's beginning; the fault is there from now on.</param>
/// <param name="Heals">The fault is taken back. What cannot be taken back heals when the scene ends.</param>
internal sealed record ScheduledScene(Scene Scene, TimeSpan Begins, TimeSpan Heals, TimeSpan Ends);

/// <summary>What the demo plays: every way in which a server leaves, and the loss of the balancer's own worker.</summary>
internal static class Script
{
    public static readonly TimeSpan Usual = TimeSpan.FromSeconds(60);

    /// <summary>Below that, a fault would be over before the checks can know of it.</summary>
    public static readonly TimeSpan Shortest = TimeSpan.FromSeconds(8);

    public static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    public static readonly ImmutableArray<Scene> Scenes =
    [
        new(Fault.None, "", "All is well",
            "Three servers share the load. Each of them is asked three times a second whether it can work (GET /healthz).",
            "", 0, 0.06, 0.06),
        new(Fault.Crash, "web1", "web1 crashes",
            "web1 crashes: its port is closed and its connections are reset. What it had not answered goes to another server.",
            "web1 is started again. After two good checks in a row it gets its share back.", 0.06, 0.16, 0.24),
        new(Fault.Hang, "web2", "web2 hangs",
            "web2 hangs: it accepts connections but never answers. ping and a TCP check would call it healthy; the HTTP check does not.",
            "web2 is restarted and answers its checks again.", 0.24, 0.40, 0.48),
        new(Fault.Errors, "web3", "web3 returns errors",
            "web3 answers 500 to everything. An error is an answer, so it is passed on and not asked for twice - until the check has seen it.",
            "web3 works again. After two good checks in a row it gets its share back.", 0.48, 0.58, 0.66),
        new(Fault.Drain, "web1", "web1 is drained",
            "The operator drains web1, as before an update: what it is working on ends there, everything new goes elsewhere.",
            "web1 is enabled again.", 0.66, 0.74, 0.78),
        new(Fault.KillWorker, "", "the worker is killed",
            "kill -9 of the balancer's own worker process. The keeper holds its sockets: connections wait there until a new worker takes them.",
            "", 0.78, 1, 1),
    ];

    public static ImmutableArray<ScheduledScene> For(TimeSpan length) =>
        [.. Scenes.Select(scene => new ScheduledScene(scene, length * scene.Begins, length * scene.Heals, length * scene.Ends))];
}
