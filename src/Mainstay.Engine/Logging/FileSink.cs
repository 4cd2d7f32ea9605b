using Mainstay.Core.Config;

namespace Mainstay.Engine.Logging;

/// <summary>
/// A log file: set aside by its own rotation, or by another program's, which needs no signal: a file that is no longer at its path is
/// noticed within a second and opened anew.
/// </summary>
internal sealed class FileSink : LogSink
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);

    private readonly string _path;
    private readonly LogRotation? _rotation;
    private FileStream _file;

    /// <summary>Bytes in the file, as far as this process knows between two looks.</summary>
    private long _length;

    /// <summary>Number of the rotation's interval that the file's lines are of.</summary>
    private long _interval;
    private DateTime _looked;

    /// <exception cref="IOException">The file cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The worker's user may not write it.</exception>
    public FileSink(string path, LogRotation? rotation)
    {
        _path = path;
        _rotation = rotation;
        _file = Open();
        _length = LengthOf(_file);
        _interval = IntervalOf(_length == 0 ? DateTime.UtcNow : File.GetLastWriteTimeUtc(path));
    }

    public override bool TryWrite(ReadOnlySpan<byte> lines)
    {
        try
        {
            _file.Write(lines);
            _length += lines.Length;
        }
        catch (IOException)
        {
            Lost++;
        }

        return true;
    }

    public override void Tick(DateTime utc)
    {
        try
        {
            if (_rotation is { } rotation && IsDue(rotation, utc)) Rotate(rotation, utc);
            if (utc - _looked < s_look && utc >= _looked) return;
            _looked = utc;
            if (IsElsewhere()) Reopen();
            else _length = LengthOf(_file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The file that is open goes on; the next look tries again.
            Lost++;
        }
    }

    public override void Dispose() => _file.Dispose();

    private FileStream Open() => new(_path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);

    private bool IsDue(LogRotation rotation, DateTime utc) =>
        _length > 0 && ((rotation.Size > 0 && _length >= rotation.Size) || (rotation.Every > TimeSpan.Zero && IntervalOf(utc) != _interval));

    private void Rotate(LogRotation rotation, DateTime utc)
    {
        // Another worker (an upgrade) may have done it already: then there is nothing to set aside, only to follow.
        if (!IsElsewhere())
        {
            for (int number = rotation.Keep - 1; number >= 1; number--)
                if (File.Exists($"{_path}.{number}")) File.Move($"{_path}.{number}", $"{_path}.{number + 1}", overwrite: true);
            File.Move(_path, $"{_path}.1", overwrite: true);
        }

        Reopen();
        _interval = IntervalOf(utc);
    }

    private void Reopen()
    {
        FileStream next = Open();
        _file.Dispose();
        _file = next;
        _length = LengthOf(next);
    }

    /// <summary>What is at the path is not what is open: it has another length. Equal by chance only until the next line.</summary>
    private bool IsElsewhere()
    {
        var there = new FileInfo(_path);
        return !there.Exists || (there.Attributes.HasFlag(FileAttributes.Normal) && there.Length != LengthOf(_file));
    }

    /// <summary>A device (/dev/null) has none.</summary>
    private static long LengthOf(FileStream file) => file.CanSeek ? file.Length : 0;

    private long IntervalOf(DateTime utc) =>
        _rotation is { } rotation && rotation.Every > TimeSpan.Zero ? (utc - DateTime.UnixEpoch).Ticks / rotation.Every.Ticks : 0;
}
