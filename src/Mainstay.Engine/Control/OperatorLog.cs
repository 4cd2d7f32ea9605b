using System.Globalization;
using System.Text;
using Mainstay.Linux;

namespace Mainstay.Engine.Control;

public enum LogLevel
{
    Info,
    Warning,
    Error,
}

/// <summary>
/// What an operator should know, one line each, to standard error. Lines are written by a thread of their own, so that a reader
/// that has stopped reading stops nobody; when too many wait, further ones are dropped and counted in a line that says so.
/// </summary>
public sealed class OperatorLog : IDisposable
{
    private const int MaxWaiting = 1000, MaxLineLength = 4096, StandardError = 2;

    private readonly Queue<string> _waiting = new();
    private readonly Lock _gate = new();
    private readonly AutoResetEvent _wake = new(false);
    private readonly ManualResetEventSlim _idle = new(true);
    private readonly Thread _writer;
    private readonly string _source;
    private readonly bool _withTime;
    private int _dropped;
    private bool _isClosed;

    /// <param name="source">Who speaks: "keeper", "worker".</param>
    public OperatorLog(string source)
    {
        _source = source;
        // The journal stamps every line itself (systemd.exec(5), JOURNAL_STREAM).
        _withTime = Environment.GetEnvironmentVariable("JOURNAL_STREAM") is null;
        _writer = new Thread(Run, maxStackSize: 256 * 1024) { IsBackground = true, Name = "log" };
        _writer.Start();
    }

    public void Info(string text) => Write(LogLevel.Info, text);

    public void Warning(string text) => Write(LogLevel.Warning, text);

    public void Error(string text) => Write(LogLevel.Error, text);

    /// <summary>Any thread; never waits for the reader. What came from outside is escaped.</summary>
    public void Write(LogLevel level, string text)
    {
        string time = _withTime ? DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z '", CultureInfo.InvariantCulture) : "";
        string severity = level switch { LogLevel.Info => "", LogLevel.Warning => "warning: ", _ => "error: " };
        Enqueue($"{time}mainstay {_source}: {severity}{Escape(text)}");
    }

    /// <summary>A line for the person who started the program: no time, no source.</summary>
    public void WriteForUser(string text) => Enqueue($"mainstay: {Escape(text)}");

    /// <summary>Waits until all is written, but not longer than the reader can be expected to take.</summary>
    public void Flush() => _idle.Wait(TimeSpan.FromSeconds(1));

    public void Dispose()
    {
        Flush();
        _isClosed = true;
        _wake.Set();
    }

    /// <summary>
    /// One line that a terminal shows as it is: control characters (line ends and escape sequences among them), separators and
    /// characters that reorder text become \xNN or \uNNNN.
    /// </summary>
    public static string Escape(string text)
    {
        if (text.Length <= MaxLineLength && !text.AsSpan().ContainsAnyExceptInRange(' ', '~')) return text;
        var escaped = new StringBuilder(text.Length + 16);
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (escaped.Length >= MaxLineLength) return escaped.Append("...").ToString();
            if (IsPlain(rune)) escaped.Append(rune);
            else if (rune.Value <= 0xFF) escaped.Append(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}");
            else escaped.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
        }

        return escaped.ToString();
    }

    private static bool IsPlain(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate or UnicodeCategory.OtherNotAssigned);

    private void Enqueue(string line)
    {
        lock (_gate)
        {
            if (_waiting.Count >= MaxWaiting)
            {
                _dropped++;
                return;
            }

            _waiting.Enqueue(line);
            _idle.Reset();
        }

        _wake.Set();
    }

    private void Run()
    {
        while (!_isClosed)
        {
            while (TryTake(out string line)) WriteWhole(Encoding.UTF8.GetBytes(line + "\n"));
            _wake.WaitOne();
        }
    }

    private bool TryTake(out string line)
    {
        lock (_gate)
        {
            if (_waiting.TryDequeue(out string? next))
            {
                line = next;
                return true;
            }

            line = $"mainstay {_source}: {_dropped} lines were dropped, because standard error was not read";
            bool hasDropped = _dropped > 0;
            _dropped = 0;
            if (!hasDropped) _idle.Set();
            return hasDropped;
        }
    }

    private static void WriteWhole(ReadOnlySpan<byte> line)
    {
        while (line.Length > 0)
        {
            int written = Descriptor.Write(StandardError, line);
            if (written == -(int)Errno.EINTR) continue;
            // Nobody to tell when standard error is gone; a non-blocking one (inherited so) that is full loses the line.
            if (written <= 0) return;
            line = line[written..];
        }
    }
}
