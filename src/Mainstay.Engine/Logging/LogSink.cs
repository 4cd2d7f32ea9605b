using Mainstay.Core.Config;

namespace Mainstay.Engine.Logging;

/// <summary>Where log lines end up. Used by one thread at a time; may block for moments, never for long.</summary>
public abstract class LogSink : IDisposable
{
    /// <summary>Lines or writes that were lost: a full disk, a collector that refused.</summary>
    public long Lost { get; protected set; }

    /// <summary>Opens what a configuration names. Null: nothing is logged.</summary>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The worker's user may not write it.</exception>
    public static LogSink? Open(AccessLogSnapshot snapshot)
    {
        if (snapshot.Format == AccessLogFormat.None) return null;
        if (snapshot.Syslog is { } syslog) return new SyslogSink(syslog);
        return snapshot.Target switch
        {
            // Not a FileStream: where standard output is a file, that one counts its own position, and after a reload or in the next
            // worker it would begin where this process did and write over what is there.
            "stdout" => new StreamSink(Console.OpenStandardOutput()),
            "stderr" => new StreamSink(Console.OpenStandardError()),
            _ => new FileSink(snapshot.Target, snapshot.Rotate),
        };
    }

    /// <summary>Takes whole lines, all of them or none. False: not now, come again with the same.</summary>
    public abstract bool TryWrite(ReadOnlySpan<byte> lines);

    /// <summary>Some times a second, between writes.</summary>
    public virtual void Tick(DateTime utc)
    {
    }

    public abstract void Dispose();
}

/// <summary>Standard output or standard error.</summary>
internal sealed class StreamSink(Stream stream) : LogSink
{
    public override bool TryWrite(ReadOnlySpan<byte> lines)
    {
        try
        {
            stream.Write(lines);
        }
        catch (IOException)
        {
            Lost++;
        }

        return true;
    }

    public override void Dispose() => stream.Dispose();
}
